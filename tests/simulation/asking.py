"""What people, schedulers and programs ask for in one part of a history, drawn from what there is."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from schemas import events as e
from schemas import keys
from schemas.job import Job
from schemas.records import BackupRecord
from tests.simulation.machinery.line import Line
from workers.jobs import ledger

SCOPES: tuple[tuple[e.Scope, str | None], ...] = (
    ("full", None),
    ("applications", None),
    ("console", None),
    ("applications", "shop"),
    ("applications", "blog"),
)


MOST_LOOKS = 300
"""For a tombstone."""


@dataclass(frozen=True)
class Ask:
    """A request that the broker has confirmed."""

    id: str
    event: e.Event
    sender: str = "somebody"


@dataclass
class Asking:
    """Draws requests, and knows those that were made."""

    line: Line
    chance: random.Random
    asked: list[Ask] = field(default_factory=list)
    _number: int = 0

    def some(self, count: int) -> Iterator[Callable[[], None]]:
        """So many things to ask for, the first of them a restore if there is a backup, else a backup."""
        yield self.restore if self._some_backup() and self.chance.random() < 0.7 else self.back_up
        for _ in range(count - 1):
            kinds = [
                self.back_up,
                self.restore,
                self.restore,
                self.cancel,
                self.repeat,
                self.upkeep,
                self.nobody,
                self.race,
            ]
            yield self.chance.choice(kinds)

    def back_up(self) -> None:
        """Of everything, or of one application; some for an hour only, some also elsewhere, some by a schedule."""
        draw = self.chance
        app, ttl = draw.choice([None, None, "shop", "blog"]), draw.choice([None, None, "1h"])
        copies = ["nas"] if draw.random() < 0.15 else []
        schedule = "nightly" if draw.random() < 0.2 else None
        self.ask(e.BackupRequested(app=app, ttl=ttl, copy_to=copies, schedule=schedule))

    def restore(self) -> None:
        """Something of a backup that is there."""
        if backup := self._some_backup():
            scope, app = self.chance.choice(SCOPES)
            safe, keep = self.chance.random() < 0.8, self.chance.random() < 0.2
            self.ask(
                e.RestoreRequested(backup=backup.name, scope=scope, app=app, safety_snapshot=safe, keep_newer=keep)
            )

    def race(self) -> None:
        """A deletion, and a restore of the same backup as soon as its tombstone stands, or before."""
        if backup := self._some_backup():
            patient = self.chance.random() < 0.7
            self.ask(e.BackupDeleteRequested(backup=backup.name))
            for _ in range(MOST_LOOKS):
                self.line.machines.step("", timedelta(milliseconds=20))
                if not patient or ledger.deleted(self.line.plain["default"], Job("backup", backup.name)):
                    break
            self.ask(e.RestoreRequested(backup=backup.name, safety_snapshot=False))

    def cancel(self) -> None:
        """A job that runs."""
        store = self.line.plain["default"]
        running = sorted(found.key for found in store.list("running/"))
        if running:
            job = keys.parse_running(self.chance.choice(running))
            if ledger.exists(store, keys.request(job)):
                store.create(keys.cancel(job), json.dumps({"at": "now"}).encode())
                self.line.cancelled(job)

    def repeat(self) -> None:
        """A request that was made before, once more."""
        if self.asked:
            ask = self.chance.choice(self.asked)
            self.line.ask(ask.event, ask.id, user=ask.sender)

    def nobody(self) -> None:
        """What is refused."""
        self.ask(self.chance.choice([e.BackupRequested(app="nobody"), e.RestoreRequested(backup="nothing")]))

    def upkeep(self) -> None:
        """Deletion, reclaiming, reading back, a copy to elsewhere."""
        backup = self._some_backup()
        if backup is None:
            self.ask(e.RepositoryPruneRequested())
            return
        choices: list[e.Event] = [
            e.BackupDeleteRequested(backup=backup.name),
            e.BackupDeleteRequested(backup=backup.name),
            e.RepositoryPruneRequested(),
            e.BackupVerifyRequested(backup=backup.name),
            e.BackupCopyRequested(backup=backup.name, destination="default", to="nas"),
        ]
        self.ask(self.chance.choice(choices))

    def ask(self, event: e.Event) -> None:
        """A new request; now and then it is sent twice."""
        self._number += 1
        ask = Ask(f"request-{self._number}", event)
        self.asked.append(ask)
        for _ in range(2 if self.chance.random() < 0.2 else 1):
            self.line.ask(ask.event, ask.id, user=ask.sender)

    def _some_backup(self) -> BackupRecord | None:
        there = [
            each
            for each in ledger.finished_backups(self.line.plain["default"])
            if each.status in ("Completed", "PartiallyFailed")
        ]
        return self.chance.choice(there) if there else None
