"""What the console's pages about snapshots show, as typed values."""
