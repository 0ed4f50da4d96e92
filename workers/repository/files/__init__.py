"""The files of a volume, reached safely: nothing outside of its directory. Knows nothing of the repository."""
