"""The commands, a file for each group: thin over the actions and the views."""
