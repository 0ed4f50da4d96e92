"""Kubernetes objects: which ones a backup takes, and how a restore creates them again. Rooms only; no room imports
one that stands to its right: `kube`, `capture`, `restore`."""
