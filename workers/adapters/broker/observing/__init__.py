"""What can be seen of messages: counted (metrics.py), and as spans (tracing.py). Neither is imported unless wanted."""
