"""What home says of applications, by records alone."""
