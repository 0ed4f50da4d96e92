"""The steps of the line, one file a step, and nothing else: plain functions that take an event and yield events."""
