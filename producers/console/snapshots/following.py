"""Jobs that are under way, each followed once however many browsers look at it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from producers.actions.answers import BEFORE, believed
from producers.actions.follow import requested_before
from producers.actions.jobs import Requested
from producers.console.needs import Needs
from producers.event_feed import Missed
from producers.session import Session
from producers.views.console import run_backup, run_restore
from producers.views.console.heard import Heard, hear, missed
from producers.views.console.job_records import JobRecords, refreshed
from producers.views.console.logfmt import of_kept
from producers.views.console.running import RunningJob
from producers.views.kept_log import kept_log
from producers.views.progress import JobProgress, concerns
from schemas import events as e
from schemas.errors import Code, NotFound, SnaplineError
from schemas.events import THE_DEFAULT
from schemas.job import Job, backup
from schemas.messages import told
from workers.jobs import ledger

if TYPE_CHECKING:
    from workers.adapters.broker import Logged

AGE = 0.5
"""Seconds for which what was put together is good enough."""
UNASKED = 60.0
"""Seconds after which a job that nobody looks at is followed no more."""
BEAT = 1.0
"""Seconds after which it is looked whether anybody still looks."""


@dataclass
class _Followed:
    """One job. `lock` is for all of it."""

    requested: Requested
    destination: str
    heard: Heard
    records: JobRecords
    asked_at: float
    made_at: float = float("-inf")
    made: RunningJob | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Following:
    """Safe for threads. One for a process."""

    def __init__(self, session: Session, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic):
        """`clock` is in seconds."""
        self._session, self._now, self._clock = session, now, clock
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, Job], _Followed] = {}

    def running(self, job: Job, expected: int | None = None, *, destination: str = THE_DEFAULT) -> RunningJob:
        """How far a job without a final record has come. `expected` are the bytes that it is thought to have. Where its
        records cannot be read now, it is what it was, with the doubt. Raises NotFound if nobody has asked for it, and
        any SnaplineError where nothing is known of it yet."""
        followed = self._followed(job, destination)
        with followed.lock:
            followed.asked_at = self._clock()
            if followed.asked_at - followed.made_at >= AGE:
                followed.made = self._made(followed, expected)
                followed.made_at = self._clock()
            if followed.made is None:
                raise NotFound(f"there is no {job}", code=Code.NO_SUCH_JOB)
            return followed.made

    def _made(self, followed: _Followed, expected: int | None) -> RunningJob | None:
        job, store = followed.records.job, self._session.store(followed.destination)
        try:
            followed.records = refreshed(store, followed.records)
            if job.kind == "backup":
                made = run_backup.backup(followed.records, followed.heard, self._now(), expected)
            else:
                made = run_restore.restore(followed.records, followed.heard, self._now(), self._secured(followed))
            if made is not None and not made.lines:
                made = replace(made, lines=tuple(map(of_kept, kept_log(store, job))))
        except SnaplineError as problem:
            if followed.made is None:
                raise
            made = replace(followed.made, doubts=(told(problem),))
        return replace(made, lost_since=self._session.events.lost_since) if made is not None else None

    def _secured(self, followed: _Followed) -> bool:
        """Whether the safety snapshot of a restore has ended."""
        snapshot = followed.made.snapshot if followed.made else None
        name = snapshot or f"{followed.records.job.name}-before"
        return ledger.finished_backup(self._session.store(followed.destination), backup(name).name) is not None

    def _followed(self, job: Job, destination: str) -> _Followed:
        with self._lock:
            if (known := self._jobs.get((destination, job))) is not None:
                return known
        requested = requested_before(self._session, job.name, destination)
        began = JobProgress(requested.event.id, name=job.name)
        made = _Followed(requested, destination, Heard(began), JobRecords(job), self._clock())
        with self._lock:
            if (known := self._jobs.setdefault((destination, job), made)) is made:
                threading.Thread(target=self._listen, args=(made,), name=f"follow {job}", daemon=True).start()
        return known

    def _listen(self, followed: _Followed) -> None:
        try:
            with self._session.events.listen(followed.requested.event.time - BEFORE) as listener:
                while self._clock() - followed.asked_at < UNASKED and followed.heard.progress.final is None:
                    entry = listener.get(BEAT)
                    with followed.lock:
                        if isinstance(entry, Missed):
                            followed.heard = missed(followed.heard)
                        elif entry is not None and self._counts(followed, entry):
                            followed.heard = hear(followed.heard, entry.event)
                            if not isinstance(entry.event.data, e.PROGRESS):
                                followed.made_at = float("-inf")  # nobody would tell a browser of it again
        except RuntimeError:
            return  # the event feed is closed: the process ends
        finally:
            with self._lock:
                self._jobs.pop((followed.destination, followed.records.job), None)

    def _counts(self, followed: _Followed, entry: "Logged") -> bool:
        return concerns(followed.heard.progress, entry.event) and believed(self._session, entry)


def following(needs: Needs) -> Following:
    """For `shared`."""
    return Following(needs.session, needs.now)
