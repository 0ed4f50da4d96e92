"""The objects that a backup holds. They are sealed: to see them takes the passphrase."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from producers.views import jobs
from schemas.errors import Code, Damaged, NotFound
from schemas.events import Scope
from workers.jobs import ledger
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
    jobs.backup(store, name)
    record = ledger.finished_backup(store, name)
    if record is None or record.manifest is None:
        raise NotFound(f"backup {name} holds no objects that could be listed", code=Code.NOT_FINISHED, subject=name)
    body = open_repository().unseal(store.get(record.manifest), record.manifest)
    try:
        return [_content(entry["object"], entry["owners"]) for entry in json.loads(body)["objects"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(f"the objects of backup {name} cannot be read") from error


def in_scope(found: list[ContentView], scope: Scope, app: str | None) -> list[ContentView]:
    """Those that a restore of `scope`, or of `app` alone, concerns."""
    if app is not None:
        return [each for each in found if app in each.owners]
    if scope == "console":
        return [each for each in found if CONSOLE in each.owners]
    if scope == "applications":
        return [each for each in found if any(owner != CONSOLE for owner in each.owners)]
    return found


def _content(obj: dict[str, dict[str, str]], owners: list[str]) -> ContentView:
    metadata = obj["metadata"]
    return ContentView(str(obj["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]), tuple(owners))
