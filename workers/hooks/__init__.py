"""Commands that applications ask to have run in their pods, around a copy or after a restore.

Two files belong here: one that chooses, from annotations and the Backup resource, which hooks a pod gets (pure), and
one that runs them through `Cluster.exec` and says what became of each. Nothing is run yet.
"""
