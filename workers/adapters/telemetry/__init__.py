"""What a process says of itself: health, metrics, traces. The only importer of `prometheus_client` and `opentelemetry`,
each when it is wanted: what is off costs nothing."""
