"""Turns one event into the next."""
