"""A restore into other namespaces than those that were backed up; and one on trial, into namespaces made for it."""

from workers.manifests.restore.mapping.namespaces import mapping_of, moved, volumes_moved

__all__ = ["mapping_of", "moved", "volumes_moved"]
