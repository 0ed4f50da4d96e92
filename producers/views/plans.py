"""What a restore was decided to do, as it was told before anything was touched."""

from dataclasses import dataclass

from schemas import keys
from schemas.errors import Code
from schemas.job import restore
from schemas.messages import Message
from schemas.records import RestorePlan, Undeploy
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class PlanView:
    """`replaced` live objects are deleted, `objects` created and `volumes` filled. Of what is deleted, `newer` (by
    name) came after the backup and does not come back; `left_alone` says what stays as it is. `snapshot` is the backup
    that is taken of what is deleted, None for none."""

    replaced: int
    objects: int
    volumes: int
    newer: tuple[str, ...] = ()
    left_alone: tuple[Message, ...] = ()
    snapshot: str | None = None


def plan(store: ObjectStore, name: str) -> PlanView | None:
    """The plan of the restore called `name`; None if it has none. Raises Damaged."""
    job = restore(name)
    found, fixed = ledger.find(store, keys.plan(job), RestorePlan), ledger.find(store, keys.undeploy(job), Undeploy)
    if found is None or fixed is None:
        return None
    return PlanView(
        replaced=len(fixed.objects),
        objects=found.objects,
        volumes=len(found.volumes),
        newer=tuple(ref.title for ref in fixed.objects if ref.why == "newer"),
        left_alone=tuple(each for each in (*fixed.errors, *fixed.warnings) if each.code != Code.NEWER),
        snapshot=found.snapshot,
    )
