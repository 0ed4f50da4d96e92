"""The objects of a backup, whole. They are sealed: to see them takes the passphrase."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from producers.views import jobs
from schemas.errors import Code, Damaged, NotFound
from workers.jobs import ledger
from workers.ports import ObjectStore, Repository


@dataclass(frozen=True)
class HeldObject:
    """One object; `owners` are the console and slugs of applications. Cluster-wide ones have no namespace."""

    kind: str
    namespace: str
    name: str
    owners: tuple[str, ...]
    whole: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """By what it is the same object in another backup."""
        return self.kind, self.namespace, self.name


def held_objects(store: ObjectStore, name: str, open_repository: Callable[[], Repository]) -> list[HeldObject]:
    """The objects of the finished backup called `name`, in the order in which they were captured. Raises NotFound,
    Damaged, Denied."""
    jobs.backup(store, name)
    record = ledger.finished_backup(store, name)
    if record is None or record.manifest is None:
        raise NotFound(f"backup {name} holds no objects that could be listed", code=Code.NOT_FINISHED, subject=name)
    body = open_repository().unseal(store.get(record.manifest), record.manifest)
    try:
        return [_held(entry["object"], entry["owners"]) for entry in json.loads(body)["objects"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(f"the objects of backup {name} cannot be read") from error


def choose(found: Iterable[HeldObject], kind: str, namespace: str, name: str) -> HeldObject:
    """The object that is called so. Raises NotFound."""
    for each in found:
        if each.key == (kind, namespace, name):
            return each
    where = f" in {namespace}" if namespace else ""
    raise NotFound(f"this backup holds no {kind} {name}{where}", code=Code.NOT_IN_BACKUP, subject=name)


def _held(obj: dict[str, Any], owners: list[str]) -> HeldObject:
    metadata = obj["metadata"]
    return HeldObject(str(obj["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]), tuple(owners), obj)
