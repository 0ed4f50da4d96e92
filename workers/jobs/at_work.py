"""Who is at work for a restore: what it claims is its own until nobody is any more.

A restore may end, cancelled or failed, while another process is in the midst of a deletion or a wave of objects.
Whoever changes something says so first, and looks then whether the restore has ended. Whoever clears up after the end
looks for such marks, waits, and only then lets others have what was claimed. Both write before they look, so one of
them sees the other.

A mark is renewed while the work lasts, so that of a killed process does not count for long. All times are the store's.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from schemas import events as e
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.records import Record
from workers.jobs import ledger
from workers.jobs.pulse import pulsing
from workers.ports import ObjectStore

BEAT, SILENCE = 5.0, timedelta(seconds=30)
"""How often (in seconds) a mark is renewed, and after what time without that whoever left it is taken to be dead."""


@contextmanager
def at_work(store: ObjectStore, job: Job, run: str, beat: float = BEAT) -> Iterator[None]:
    """Marks the job as worked on while the context lasts. `run` names this run of a step, and no other."""

    def mark() -> None:
        ledger.put(store, keys.worker_of(job, run), Record())

    mark()
    try:
        with pulsing(mark, beat):
            yield
    finally:
        with suppress(SnaplineError):  # it will not be renewed
            store.delete(keys.worker_of(job, run))


def working(store: ObjectStore, job: Job, run: str, step: Iterator[e.Event]) -> Iterator[e.Event]:
    """What `step` tells, done at work. The job's end is told after that, so that what it leads to need not wait."""
    ends: list[e.Event] = []
    with at_work(store, job, run, BEAT):
        try:
            for said in step:
                if isinstance(said, e.FINAL):
                    ends.append(said)
                else:
                    yield said
        finally:
            if isinstance(step, Generator):
                step.close()
    yield from ends


def anybody(store: ObjectStore, job: Job) -> bool:
    """Whether somebody may be at work for the job. Tells the watchdog that the job is alive, if so."""
    marks = list(store.list(keys.workers_of(job)))
    if not marks:
        return False
    ledger.pulse(store, job)
    now = max((found.modified for found in store.list(keys.running(job))), default=None)
    return now is not None and any(now - mark.modified <= SILENCE for mark in marks)
