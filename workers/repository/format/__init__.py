"""What the repository's objects hold, to the byte (FORMAT 2 to 7). Bytes and values; no threads, no volume's files."""
