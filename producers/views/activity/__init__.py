"""The event log as people read it: some of it, page by page, and what one job's events tell in their order."""
