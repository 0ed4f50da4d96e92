"""Whether a backup is the last good one, asked once more at the moment of its deletion."""

from collections.abc import Iterable

from schemas.errors import Code
from schemas.job import Job, backup
from schemas.messages import Message
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention.choose import Candidate, last_good


def refusal(store: ObjectStore, job: Job, backups: Iterable[Candidate]) -> Message | None:
    """Why a backup that has expired may not go: it is the last good one of somebody, if those of `backups` that have a
    tombstone count for nothing. Each deletion writes its tombstone before it looks, so no two leave nothing."""
    left = sorted(backups, key=lambda each: (each.at, each.name), reverse=True)
    while True:
        good = last_good(left)
        gone = {name for name in good if name != job.name and ledger.deleted(store, backup(name))}
        if not gone:
            break
        left = [each for each in left if each.name not in gone]
    if not (why := good.get(job.name)):
        return None
    text = f"backup {job.name} has expired, and stays: it is the {' and the '.join(why)}"
    return Message(code=Code.LAST_GOOD, text=text, subject=job.name)
