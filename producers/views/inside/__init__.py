"""What is inside of a backup: its objects as they were captured, what hides in them, and how they differ."""
