"""Backups that are copied to further destinations: what is wanted, how far it is, and what became of it."""
