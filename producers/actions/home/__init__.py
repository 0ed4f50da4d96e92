"""What can be done from home."""
