"""Kubernetes objects: which ones a backup takes, and how a restore creates them again.

Three rooms, and no files beside them: `restore` may import `capture` and `kube`, `capture` may import `kube`.
"""
