"""Stand-ins for the world, in memory and for tests, one file for each port. They pass the adapters' contract suites."""
