"""What objects are and say, whoever asks: looking at them, reading the live ones, telling whose they are."""
