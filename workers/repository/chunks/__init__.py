"""Chunks in and out of the repository, and what is known of where they are: the index, marks and damage."""
