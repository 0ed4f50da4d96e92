"""What can be done with dead letters beyond giving them back as they are."""
