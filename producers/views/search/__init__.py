"""Search over all that has a name: snapshots, restores, applications, schedules, destinations, and pages."""
