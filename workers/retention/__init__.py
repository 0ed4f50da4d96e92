"""What is kept for how long, what is held, and why: rules about backups, over their records."""
