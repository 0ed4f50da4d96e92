"""The admin console: pages over actions and views, rendered on the server."""
