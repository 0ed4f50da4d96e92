"""A restore while it runs and after its end, as the console shows it."""
