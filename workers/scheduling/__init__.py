"""Scheduled runs: what becomes of each due time, and which of two runs waits for the other."""
