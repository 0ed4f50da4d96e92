"""What a backup takes: which objects, with what they bring along, and which of their volumes."""
