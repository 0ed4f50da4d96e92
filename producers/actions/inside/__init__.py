"""What can be taken out of a backup through a browser."""
