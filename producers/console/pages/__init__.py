"""One file a page: its routes, and what they show."""
