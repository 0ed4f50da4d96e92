"""From an object as it was captured to one that can be created: a file for each group of kinds, `rules` over them."""

from workers.manifests.restore.sanitise.rules import BACKUP_NAME, RESTORE_NAME, sanitise, stripped
from workers.manifests.restore.sanitise.skipping import skip_reason

__all__ = ["BACKUP_NAME", "RESTORE_NAME", "sanitise", "skip_reason", "stripped"]
