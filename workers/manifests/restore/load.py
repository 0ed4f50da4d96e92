"""The captured objects that a restore concerns."""

from schemas.kubernetes import Object
from schemas.records import RestoreRequest
from workers.manifests.capture.document import decode_manifest
from workers.manifests.capture.scope import objects_for
from workers.ports import ObjectStore, Repository


def load(store: ObjectStore, repository: Repository, manifest: str, request: RestoreRequest) -> list[Object]:
    """The objects of the sealed `manifest` in the scope of `request`, as they were captured. Raises Damaged."""
    captured = decode_manifest(repository.unseal(store.get(manifest), manifest))
    return objects_for(captured, request.scope, request.app)
