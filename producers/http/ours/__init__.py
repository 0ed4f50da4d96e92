"""Snapline's own routes. What they answer are the views that every front shows, as JSON."""
