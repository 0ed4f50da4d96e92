"""How far a restore has come with each owner, by its records: what has to be put back if it goes no further."""

from collections.abc import Iterator
from typing import get_args

from schemas import keys
from schemas.errors import Code
from schemas.events import SHARED
from schemas.job import Job
from schemas.kubernetes import CLAIMS
from schemas.messages import Message
from schemas.records import Applied, OwnerEnded, RestorePlan, Undeploy
from workers.jobs import ledger
from workers.ports import ObjectStore


def called(owner: str) -> str:
    """The owner, for people."""
    return "what is shared" if owner == SHARED else owner


def to_put_back(store: ObjectStore, job: Job, plan: RestorePlan) -> list[str]:
    """The owners of which something may have been deleted, and of which nothing was created again."""
    return [
        owner
        for owner in plan.owners
        if ledger.exists(store, keys.stage_began(job, "undeployed", owner))
        and not _has_come_back(store, job, owner)
        and not _is_settled(store, job, owner)
    ]


def left_unfinished(store: ObjectStore, job: Job, plan: RestorePlan) -> Iterator[Message]:
    """What to tell of the owners with which a restore that ends now has not come to an end."""
    back = to_put_back(store, job, plan)
    gone = ledger.read(store, keys.undeploy(job), Undeploy).objects if back else []
    emptied = {ref.owner for ref in gone if ref.group_resource == CLAIMS.group_resource}
    for owner in plan.owners:
        if owner in back:
            text = f"{called(owner)} was not restored; what had been deleted of it is put back"
            if owner in emptied:
                text += "; a volume that had been deleted is empty, and only a safety snapshot has what was in it"
            yield Message(code=Code.PUT_BACK, text=text, subject=owner)
        elif _has_come_back(store, job, owner) and not ledger.exists(store, keys.owner_ended(job, owner)):
            text = f"{called(owner)} is not wholly restored: the restore ended before it was"
            yield Message(code=Code.NOT_APPLIED, text=text, subject=owner)


def lacking(store: ObjectStore, job: Job) -> Iterator[Message]:
    """What could not be put back after the restore had ended, for people."""
    for found in sorted(store.list(keys.owners(job)), key=lambda found: found.key):
        if keys.is_put_back(found.key):
            yield from ledger.read(store, found.key, Applied).errors


def _is_settled(store: ObjectStore, job: Job, owner: str) -> bool:
    """Whether it was restored, or was put back before it was given up."""
    ended = ledger.find(store, keys.owner_ended(job, owner), OwnerEnded)
    return ended is not None and not (
        ended.given_up and not ledger.exists(store, keys.stage_began(job, "put-back", owner))
    )


def _has_come_back(store: ObjectStore, job: Job, owner: str) -> bool:
    """Whether the restore has begun to create the owner's objects."""
    return any(ledger.exists(store, keys.wave_began(job, owner, wave)) for wave in get_args(keys.Wave))
