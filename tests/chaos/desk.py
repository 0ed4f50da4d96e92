"""Where a campaign asks, and hears what came of it: again with the same id until there is an answer, as every producer
should whose broker may lose its data."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas import events as e
from schemas import keys
from schemas.errors import NotFound, SnaplineError
from schemas.job import Job, asked_for, request_uuid
from schemas.job import Kind as JobKind
from schemas.records import BackupRecord, RestoreRecord
from tests.chaos.history import RECORD, End, Final, Kind
from tests.support.line import Line
from workers.adapters import broker
from workers.jobs import ledger

SOURCE = "chaos"
AGAIN = 20.0
"""Seconds until a request is published once more that has no answer."""
EVERY = 0.25
ANSWERS: dict[str, Kind] = {
    **{kind.type: "backup" for kind in e.FINAL if issubclass(kind, e.BackupFinal | e.BackupRejected)},
    **{kind.type: "restore" for kind in e.FINAL if issubclass(kind, e.RestoreFinal | e.RestoreRejected)},
    e.BackupDeleted.type: "delete",
    e.BackupDeleteFailed.type: "delete",
    e.RepositoryPruned.type: "prune",
    e.RepositoryPruneFailed.type: "prune",
    e.BackupVerified.type: "verify",
    e.BackupVerificationFailed.type: "verify",
    e.BackupCopied.type: "copy",
    e.BackupCopyFailed.type: "copy",
}
STATUSES = {"partially_failed": "PartiallyFailed", "delete_failed": "DeleteFailed", "copy_failed": "CopyFailed"}
STATUSES |= {"prune_failed": "PruneFailed", "verification_failed": "VerificationFailed"}


@dataclass
class Asked:
    """A request on its way. `app` is whose, None for everybody's."""

    id: str
    kind: Kind
    subject: str
    event: e.Event
    app: str | None
    round: int
    accepted: bool = False
    times: int = 0
    last: float = 0.0
    excuses: set[str] = field(default_factory=set)


class Desk:
    """Asks, listens and looks at the records, from threads of its own while it is open."""

    def __init__(self, line: Line, url: str, *, ticking: bool = True) -> None:
        self.asked: dict[str, Asked] = {}
        self.ends: list[End] = []
        self.finals: dict[tuple[str, str, str], Final] = {}
        self._line, self._url, self._ticking = line, url, ticking
        self._answered: dict[str, End] = {}
        self._seen: dict[str, datetime] = {}
        self._stop, self._lock = threading.Event(), threading.Lock()

    @contextmanager
    def open(self) -> Iterator["Desk"]:
        """While it works."""
        works = [self._publish, self._listen, self._watch_records, *([self._tick] if self._ticking else [])]
        threads = [threading.Thread(target=work, name=work.__name__, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def ask(self, kind: Kind, event: e.Event, subject: str, app: str | None, round_: int) -> Asked:
        """It will be published soon. For a job, `subject` is what its name begins with."""
        id_ = f"chaos/{len(self.asked)}"
        if kind in ("backup", "restore"):
            job_kind: JobKind = "backup" if kind == "backup" else "restore"
            subject = asked_for(job_kind, subject, request_uuid("snapline", SOURCE, id_)).name
        asked = Asked(id_, kind, subject, event, app, round_)
        with self._lock:
            self.asked[id_] = asked
        return asked

    def unanswered(self) -> list[Asked]:
        """All that have no end yet."""
        with self._lock:
            return [asked for id_, asked in self.asked.items() if id_ not in self._answered]

    def answer(self, id_: str) -> End | None:
        """The first end of a request."""
        return self._answered.get(id_)

    def completed(self) -> dict[str, Asked]:
        """Backups that have ended Completed, and whose deletion nobody has asked for."""
        with self._lock:
            doomed = {asked.subject for asked in self.asked.values() if asked.kind == "delete"}
            return {
                asked.subject: asked
                for id_, asked in self.asked.items()
                if asked.kind == "backup"
                and asked.subject not in doomed
                and (end := self._answered.get(id_)) is not None
                and end.status == "Completed"
            }

    def wrapped(self, asked: Asked) -> e.AnyEvent:
        """As it is published, each time the same."""
        return e.wrap(asked.event, id=asked.id, source=SOURCE, time=datetime.now(UTC))

    def hurry(self) -> None:
        """Whatever has no answer is asked for again soon."""
        for asked in self.unanswered():
            asked.last = 0.0

    def _publish(self) -> None:
        publisher = broker.Publisher(self._url, SOURCE)
        while not self._stop.wait(EVERY):
            for asked in self.unanswered():
                if time.monotonic() - asked.last < AGAIN and asked.accepted:
                    continue
                try:
                    publisher.publish(self.wrapped(asked))
                except SnaplineError:
                    break
                asked.accepted, asked.last, asked.times = True, time.monotonic(), asked.times + 1
        publisher.close()

    def _tick(self) -> None:
        publisher = broker.Publisher(self._url, SOURCE)
        while not self._stop.wait(3.0):
            now = datetime.now(UTC)
            tick = e.wrap(e.TickMinute(minute=now.isoformat()), id=f"tick/{time.time_ns()}", source=SOURCE, time=now)
            try:
                publisher.publish(tick)
            except SnaplineError:
                continue
        publisher.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                for logged in broker.read_log(self._url, since="first", stop=self._stop.is_set):
                    self.hear(logged.event)
            except SnaplineError:
                self._stop.wait(1.0)

    def hear(self, event: e.AnyEvent) -> None:
        """Notes an end of what was asked for here."""
        asked = self.asked.get(event.correlationid or "")
        if asked is not None and ANSWERS.get(event.type) == asked.kind:
            self._note(end_of(asked.id, event))

    def _note(self, end: End) -> None:
        with self._lock:
            if end not in self.ends:
                self.ends.append(end)
            self._answered.setdefault(end.request, end)

    def _watch_records(self) -> None:
        while not self._stop.wait(2.0):
            self.look_at_records()

    def look_at_records(self) -> None:
        """Notes the final records that are new or have changed; and the ends of requests whose event was lost with the
        broker's data."""
        for kind in ("backup", "restore"):
            for found in self._line.store.list(keys.finals_of(kind)):
                if self._seen.get(found.key) != found.modified and (job := keys.parse_final(found.key)):
                    self._seen[found.key] = found.modified
                    self._note_final(job)

    def _note_final(self, job: Job) -> None:
        model: type[BackupRecord | RestoreRecord] = BackupRecord if job.kind == "backup" else RestoreRecord
        try:
            record = ledger.read(self._line.store, keys.final(job), model)
        except NotFound:
            return
        final = Final(str(job), record.status, record.completed_at.isoformat())
        self.finals[final.job, final.status, final.ended_at] = final

    def fall_back(self) -> None:
        """Takes an end from the record where no event has told it, as after the loss of the broker's data."""
        self.look_at_records()
        by_job = {final.job: final for final in self.finals.values()}
        for asked in self.unanswered():
            final = by_job.get(f"{asked.kind} {asked.subject}")
            if final is not None:
                self._note(End(asked.id, final.status, RECORD, "", text="its event was lost"))
            if asked.kind == "delete" and ledger.exists(self._line.store, keys.deleted(Job("backup", asked.subject))):
                self._note(End(asked.id, "Deleted", RECORD, ""))


def end_of(id_: str, event: e.AnyEvent) -> End:
    """What an event says of the end of the request `id_`."""
    word = event.type.split(".")[1]
    reason = getattr(event.data, "reason", None) or next(iter(getattr(event.data, "reasons", [])), None)
    return End(
        request=id_,
        status=STATUSES.get(word, word.capitalize()),
        event=event.id,
        said=event.data.model_dump_json(),
        code=str(reason.code) if reason else "",
        text=reason.text if reason else "",
    )
