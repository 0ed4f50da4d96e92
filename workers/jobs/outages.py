"""Deadlines of what waits for a cluster do not run while the cluster, or the store, is away."""

from datetime import datetime, timedelta

from schemas import keys
from schemas.job import Job
from schemas.records import Began
from workers.jobs import ledger
from workers.ports import ObjectStore

OUTAGE = timedelta(seconds=30)
"""Who has failed for so long has met with an outage, and not with a hiccup."""


def begin_anew(store: ObjectStore, job: Job, now: datetime) -> None:
    """Lets every wait of the job begin anew."""
    for found in list(store.list(keys.of(job))):
        if keys.is_began(found.key):
            ledger.put(store, found.key, Began(at=now))
