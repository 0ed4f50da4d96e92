"""The event log as people read it."""
