"""The files of a volume, reached safely: nothing outside of its directory, and nothing of the repository."""
