"""The commands, a file for each group: they parse options, call an action or a view, and print."""
