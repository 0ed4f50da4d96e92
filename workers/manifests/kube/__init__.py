"""What objects are and what they say: looking at them, reading the live ones, telling whose they are."""
