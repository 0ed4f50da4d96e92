"""What a restore deletes before it creates: which live objects, in which order, and which claims are left alone."""

from workers.manifests.restore.undeploy.choose import Chosen, Concern, to_undeploy

__all__ = ["Chosen", "Concern", "to_undeploy"]
