"""A backup before an upgrade: asked for when the images of a workload that wants one change. Its rollout may be held
until the backup has ended."""
