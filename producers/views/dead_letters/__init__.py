"""Dead letters as people see them: those of one reason together, each with what it carries."""
