"""What is true of all applications and destinations, as gauges: read once a minute, by one worker."""
