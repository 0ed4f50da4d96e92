"""What was written before is read now, and what is written now was read before."""
