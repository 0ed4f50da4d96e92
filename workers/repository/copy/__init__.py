"""One copy of a volume: the walk, what is taken over from the parent, what is read, the tree."""
