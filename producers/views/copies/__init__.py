"""Backups in more than one destination."""
