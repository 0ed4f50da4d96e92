"""The objects that a backup holds. They are sealed: to see them takes the passphrase."""

from collections.abc import Callable
from dataclasses import dataclass

from producers.views.inside.objects import held_objects
from schemas.events import Scope
from workers.ports import ObjectStore, Repository

CONSOLE = "console"
"""The owner of the admin console's objects."""


@dataclass(frozen=True)
class ContentView:
    """One object; `owners` are the console and slugs of applications. Cluster-wide ones have no namespace."""

    kind: str
    namespace: str
    name: str
    owners: tuple[str, ...]


def contents(store: ObjectStore, name: str, open_repository: Callable[[], Repository]) -> list[ContentView]:
    """The objects of the finished backup called `name`, in the order in which they were captured. Raises NotFound,
    Damaged, Denied."""
    return [
        ContentView(each.kind, each.namespace, each.name, each.owners)
        for each in held_objects(store, name, open_repository)
    ]


def in_scope(found: list[ContentView], scope: Scope, app: str | None) -> list[ContentView]:
    """Those that a restore of `scope`, or of `app` alone, concerns."""
    if app is not None:
        return [each for each in found if app in each.owners]
    if scope == "console":
        return [each for each in found if CONSOLE in each.owners]
    if scope == "applications":
        return [each for each in found if any(owner != CONSOLE for owner in each.owners)]
    return found
