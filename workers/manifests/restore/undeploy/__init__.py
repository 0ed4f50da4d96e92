"""What a restore deletes before it creates: which live objects, in which order; and how to put them back."""

from workers.manifests.restore.undeploy.choose import Chosen, Concern, to_undeploy
from workers.manifests.restore.undeploy.delete import Left, delete_in_phases, release, still_there
from workers.manifests.restore.undeploy.put_back import put_back

__all__ = ["Chosen", "Concern", "Left", "delete_in_phases", "put_back", "release", "still_there", "to_undeploy"]
