"""What every step knows of a job: its records, how far it is, how it ends, and how long work is cut into slices."""
