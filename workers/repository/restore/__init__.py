"""One restore of a volume, or of some of its files."""
