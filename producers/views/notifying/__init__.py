"""Notifications, as people see them: whom to tell, and what became of that."""
