"""What other systems may ask for."""
