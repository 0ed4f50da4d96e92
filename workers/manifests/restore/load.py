"""The captured objects that a restore concerns."""

from schemas.events import Scope
from schemas.kubernetes import Object
from schemas.records import RestoreRequest
from workers.manifests.capture.document import CONSOLE, Captured, decode_manifest
from workers.ports import ObjectStore, Repository


def load(store: ObjectStore, repository: Repository, manifest: str, request: RestoreRequest) -> list[Object]:
    """The objects of the sealed `manifest` in the scope of `request`, as they were captured. Raises Damaged."""
    captured = decode_manifest(repository.unseal(store.get(manifest), manifest))
    return objects_for(captured, request.scope, request.app)


def objects_for(captured: Captured, scope: Scope, app: str | None) -> list[Object]:
    """The captured objects that a restore of `scope` concerns, in backup order; with `app`, its own alone."""
    if app is not None:
        return [obj for obj in captured.objects if app in captured.owners_of(obj)]
    if scope == "full":
        return list(captured.objects)
    if scope == "console":
        return [obj for obj in captured.objects if CONSOLE in captured.owners_of(obj)]
    return [obj for obj in captured.objects if any(owner != CONSOLE for owner in captured.owners_of(obj))]
