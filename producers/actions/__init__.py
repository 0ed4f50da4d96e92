"""What anybody can do: no command line and no page in here, typed values out, errors with codes."""
