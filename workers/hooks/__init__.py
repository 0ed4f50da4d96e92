"""Commands that applications ask to have run in their pods, around a copy or after a restore.

- `parsing`, `choose`, `plan`: which hooks a captured pod gets, from annotations and the Backup resource. Pure.
- `run`, `ending`: one command in a container, and the end of one that has taken too long or was left behind.
- `around`: the hooks around the copy of a pod, so that what was frozen is thawed, whatever happens.
- `restore_choose`, `restore_run`: the hooks of restored pods.

https://velero.io/docs/main/backup-hooks/, https://velero.io/docs/main/restore-hooks/
"""
