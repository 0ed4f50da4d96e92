"""The captured objects that a restore concerns, and to whom they belong."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from schemas.events import SHARED, Scope
from schemas.kubernetes import Object
from schemas.records import RestoreRequest
from workers.manifests.capture.document import CONSOLE, Captured, counts, decode_manifest
from workers.manifests.restore.mapping import mapping_of, moved
from workers.ports import ObjectStore, Repository


def load_all(store: ObjectStore, repository: Repository, manifest: str) -> Captured:
    """What the sealed `manifest` holds. Raises Damaged."""
    return decode_manifest(repository.unseal(store.get(manifest), manifest))


def in_scope(captured: Captured, request: RestoreRequest) -> Captured:
    """What of it `request` concerns, in the namespaces into which that goes."""
    return moved(replace(captured, objects=objects_for(captured, request.scope, request.app)), request)


def mapping(captured: Captured, request: RestoreRequest) -> dict[str, str]:
    """The other namespaces into which what `request` concerns goes, by those that were `captured`."""
    return mapping_of(objects_for(captured, request.scope, request.app), request)


def load(store: ObjectStore, repository: Repository, manifest: str, request: RestoreRequest) -> Captured:
    """What the sealed `manifest` holds in the scope of `request`, as `in_scope` has it. Raises Damaged."""
    return in_scope(load_all(store, repository, manifest), request)


def objects_for(captured: Captured, scope: Scope, app: str | None) -> list[Object]:
    """The captured objects that a restore of `scope` concerns, in backup order; with `app`, its own alone."""
    if app is not None:
        return [obj for obj in captured.objects if app in captured.owners_of(obj)]
    if scope == "full":
        return list(captured.objects)
    if scope == "console":
        return [obj for obj in captured.objects if CONSOLE in captured.owners_of(obj)]
    return [obj for obj in captured.objects if any(owner != CONSOLE for owner in captured.owners_of(obj))]


def owners(captured: Captured, request: RestoreRequest) -> set[str]:
    """The console and the applications that a restore concerns: `captured` is what is in its scope."""
    if request.scope == "console":
        return {CONSOLE}
    if request.app is not None:
        return {request.app}
    named = {owner for obj in captured.objects for owner in captured.owners_of(obj)}
    return named if request.scope == "full" else named - {CONSOLE}


def owner_of(captured: Captured, obj: Object) -> str:
    """The one owner of a captured object, or that of what is shared."""
    said = captured.owners_of(obj)
    return said[0] if len(said) == 1 else SHARED


def belonging_to(captured: Captured, owners: Iterable[str]) -> list[Object]:
    """The captured objects that belong to `owners` and to nobody besides them."""
    concerned = set(owners)
    return [obj for obj in captured.objects if concerned.issuperset(captured.owners_of(obj))]


def without_owners(captured: Captured, owners: Collection[str]) -> Captured:
    """`captured` without what belongs to one of `owners` alone."""
    kept = [obj for obj in captured.objects if owner_of(captured, obj) not in owners]
    return replace(captured, objects=kept)


def nothing_of(captured: Captured, slugs: Iterable[str]) -> list[str]:
    """Those of the applications `slugs` of which nothing is captured but registrations and namespaces."""
    held = (captured.owners_of(obj) for obj in captured.objects if counts(obj))
    there = {owner for owners in held for owner in owners}
    return [slug for slug in slugs if slug not in there]


def owners_but(captured: Captured, owners: Collection[str]) -> set[str]:
    """The owners of the captured objects, but for `owners`."""
    return {owner_of(captured, obj) for obj in captured.objects} - set(owners)
