"""Stand-ins for the world in memory, one file a port, for tests: they pass the same contract suites as the adapters."""
