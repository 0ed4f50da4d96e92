"""Who may do what through the console and the HTTP API. Knows nothing of the fronts."""
