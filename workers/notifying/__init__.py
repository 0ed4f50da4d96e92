"""Telling people: to whom it was told already, and what is collected."""
