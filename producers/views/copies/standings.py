"""How it is with the copies of backups, by what is recorded in the destination that they are copied from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas import keys
from schemas.job import Job
from schemas.messages import Message
from schemas.records import Copied, CopyFailed, WantedCopy
from workers.jobs import ledger
from workers.ports import ObjectStore

ORDER: tuple[keys.CopyStanding, ...] = ("failed", "copied", "wanted")
"""What counts of several, the last."""


@dataclass(frozen=True)
class CopyView:
    """The copy of a backup in the destination `to`. Since when it is wanted, or when it was made or failed, and why; of
    its volumes so many bytes were read, and so many written there. In a list all but the standing is left out."""

    to: str
    standing: keys.CopyStanding
    at: datetime | None = None
    reason: Message | None = None
    read_bytes: int = 0
    uploaded_bytes: int = 0


def of_all(store: ObjectStore) -> Mapping[str, tuple[CopyView, ...]]:
    """Of all backups, by name; two listings."""
    found: dict[str, dict[str, keys.CopyStanding]] = defaultdict(dict)
    for prefix in (keys.COPIES, keys.WANTED_COPIES):
        for each in store.list(prefix):
            if known := keys.parse_copy(each.key):
                job, standing, to = known
                found[job.name][to] = max(standing, found[job.name].get(to, standing), key=ORDER.index)
    return {name: tuple(CopyView(to, tos[to]) for to in sorted(tos)) for name, tos in found.items()}


def of_one(store: ObjectStore, job: Job) -> tuple[CopyView, ...]:
    """Of one backup, with all that is known. Raises Damaged for a record that is none of ours."""
    views: dict[str, CopyView] = {}
    for prefix in (keys.copies_of(job), keys.wanted_copies(job)):
        for each in store.list(prefix):
            known = keys.parse_copy(each.key)
            view = _read(store, each.key, known[1], known[2]) if known else None
            if view is not None:
                views[view.to] = max(view, views.get(view.to, view), key=lambda view: ORDER.index(view.standing))
    return tuple(views[to] for to in sorted(views))


def _read(store: ObjectStore, key: str, standing: keys.CopyStanding, to: str) -> CopyView | None:
    """None for what went meanwhile."""
    if standing == "copied":
        done = ledger.find(store, key, Copied)
        return CopyView(to, standing, done.at, None, done.read_bytes, done.uploaded_bytes) if done else None
    if standing == "failed":
        failed = ledger.find(store, key, CopyFailed)
        return CopyView(to, standing, failed.at, failed.reason) if failed else None
    wanted = ledger.find(store, key, WantedCopy)
    return CopyView(to, standing, wanted.since) if wanted else None
