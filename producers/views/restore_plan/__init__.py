"""What a restore would do, shown before it is asked for."""
