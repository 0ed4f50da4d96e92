"""Snapline as Kubernetes objects: options in, a list of plain objects out. No cluster is asked."""
