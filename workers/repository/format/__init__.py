"""What the repository's objects hold, to the byte (FORMAT 2 to 7): bytes and values; no threads, no volumes' files."""
