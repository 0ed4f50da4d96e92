"""What is unusual about the copy of a volume, by the numbers that every copy leaves; and what is done about it."""
