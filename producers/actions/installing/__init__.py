"""What is done in a cluster when Snapline is installed there."""
