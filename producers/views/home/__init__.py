"""Home: whether everything is backed up, application by application. Pure functions over what was read once."""
