"""Whether backups can be believed: reading them back, and what is known of them by that."""
