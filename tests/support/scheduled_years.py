"""Years of one schedule on a clock set by hand: any number of schedulers that look, ask and are killed, a broker that
repeats, delays and loses requests, a gate that dies at any write, and backups that take their time."""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from producers import scheduler
from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.records import BackupRecord, BackupRejection, BackupRequest, ScheduledRun, decode
from schemas.schedule import Schedule
from tests.support.world import CONSOLE, QUEUEING
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import endings, ledger
from workers.jobs.queueing import await_turn
from workers.ports import Repository
from workers.scheduling.turns import same_before
from workers.steps import license_gate

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SENDER = "scheduler"
STALE = 40 * DAY
"""After so long, nothing is said of a job any more, and what it left may go."""


class KilledError(BaseException):
    """The process is no more."""


class Store(MemoryObjectStore):
    """Remembers what was ever created; whoever writes may die before or after."""

    def __init__(self, clock: Callable[[], datetime], dies: Callable[[], bool]) -> None:
        super().__init__(clock)
        self.dies = dies
        self.entries: dict[datetime, list[ScheduledRun]] = defaultdict(list)
        self.made: dict[datetime, set[str]] = defaultdict(set)
        self.asked_at: dict[datetime, datetime] = {}
        self.rejected: dict[str, set[str]] = defaultdict(set)

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        self._may_die()
        created = super().create(key, body)
        if created:
            self._remember(key, body)
        self._may_die()
        return created

    def _may_die(self) -> None:
        if self.dies():
            raise KilledError

    def _remember(self, key: str, body: bytes) -> None:
        if key.startswith("schedules/"):
            run = decode(ScheduledRun, key, body)
            self.entries[run.at].append(run)
        elif key.startswith("backups/") and key.endswith("/request.json"):
            request = decode(BackupRequest, key, body)
            assert request.due
            self.made[request.due].add(request.name)
            self.asked_at[request.due] = request.requested_at
        elif key.startswith("rejected/"):
            rejection = decode(BackupRejection, key, body)
            self.rejected[rejection.request].add(rejection.name)


@dataclass
class Scheduler:
    """A process: what it has asked for is gone when it is killed."""

    asked: scheduler.Asked = field(default_factory=dict)


@dataclass(frozen=True)
class Chances:
    """How often things go wrong: of each look of a scheduler, of each write, of each request, of each backup."""

    scheduler_dies: float = 0.0
    gate_dies: float = 0.0
    request_repeated: float = 0.0
    request_delayed: float = 0.0
    requests_lost: float = 0.0
    backup_is_long: float = 0.0


SMOOTH = Chances()
ROUGH = Chances(0.05, 0.01, 0.1, 0.05, 0.01, 0.02)


class Years:
    """`numbers` are how many schedulers there may be at a time; one of them is drawn every few days."""

    def __init__(self, schedule: Schedule, begin: datetime, numbers: list[int], chances: Chances, seed: int) -> None:
        self.schedule, self.now, self.numbers, self.chances = schedule, begin, numbers, chances
        self.random = random.Random(seed)
        self.working = False
        self.store = Store(lambda: self.now, lambda: self.working and self._by(chances.gate_dies))
        known = {"default": (self.store, cast(Repository, None))}
        self.gate = license_gate.GateNeeds(
            MemoryDestinations(known), MemoryCluster(), CONSOLE, {}, lambda: self.now, SENDER.__eq__
        )
        self.schedulers: list[Scheduler] = []
        self.requests: list[tuple[datetime, e.AnyEvent]] = []
        self.waiting: list[Job] = []
        self.running: dict[Job, datetime] = {}
        self._next_number, self._next_sweep = begin, begin + STALE

    def live_until(self, moment: datetime) -> None:
        """Time passes, and at `moment` every scheduler that there is looks at the clock."""
        while self.running and min(self.running.values()) <= moment:
            self.now = max(self.now, min(self.running.values()))
            self._go_on()
        self.now = max(self.now, moment)
        self._change_schedulers()
        for number, _ in enumerate(self.schedulers):
            self._look(number)
        self._go_on()
        self._sweep()

    def finish(self) -> None:
        """One scheduler lives on, nothing goes wrong any more, and all that is under way comes to its end."""
        self.chances, self.numbers, self._next_number = SMOOTH, [1], self.now
        for _ in range(30):
            self.live_until(self.now + HOUR)

    def _by(self, chance: float) -> bool:
        return self.random.random() < chance

    def _change_schedulers(self) -> None:
        if self.now >= self._next_number:
            self.schedulers = [Scheduler() for _ in range(self.random.choice(self.numbers))]
            self._next_number = self.now + self.random.uniform(0.2, 9) * DAY

    def _look(self, number: int) -> None:
        def publish(event: e.AnyEvent) -> None:
            if self._by(self.chances.scheduler_dies):
                raise KilledError
            late = self.random.uniform(0, 30) * HOUR if self._by(self.chances.request_delayed) else timedelta(0)
            self.requests += [(self.now + late, event)] * (2 if self._by(self.chances.request_repeated) else 1)
            if self._by(self.chances.scheduler_dies):
                raise KilledError

        def answered(schedule: Schedule, at: datetime) -> bool:
            return scheduler.is_answered(self.gate.destinations, schedule, at)

        try:
            scheduler.look(publish, [self.schedule], self.schedulers[number].asked, self.now, answered)
        except KilledError:
            self.schedulers[number] = Scheduler()

    def _go_on(self) -> None:
        """Requests arrive, backups in line begin, and those that are done end."""
        if self._by(self.chances.requests_lost):
            self.requests.clear()
        for job in [job for job, end in self.running.items() if end <= self.now]:
            del self.running[job]
            self._end(job)
        arrived = [each for each in self.requests if each[0] <= self.now]
        self.requests = [each for each in self.requests if each[0] > self.now]
        for _, event in arrived:
            self._ask(event)
        for job in list(self.waiting):
            self._begin(job)

    def _ask(self, event: e.AnyEvent) -> None:
        """The gate hears a request; a broker gives it again to the next gate, until one has lived to the end."""
        asked = cast(e.CloudEvent[e.BackupRequested], event)
        while True:
            self.working = True
            try:
                told = list(license_gate.backup_requested(asked, SENDER, self.gate))
            except KilledError:
                continue
            finally:
                self.working = False
            for licensed in told:
                known = self.waiting + list(self.running)
                if isinstance(licensed, e.BackupLicensed) and licensed.job not in known:
                    self.waiting.append(licensed.job)
            return

    def _begin(self, job: Job) -> None:
        request = ledger.read(self.store, keys.request(job), BackupRequest)
        before = same_before(self.store, job, request)
        with suppress(NotYet):
            assert _returned(await_turn(self.store, job, request, QUEUEING, self.now, before)) is None
            assert not self.running, "two of the same do not run at once"
            self.waiting.remove(job)
            length = self.random.uniform(5, 40) * HOUR if self._by(self.chances.backup_is_long) else 7 * MINUTE
            self.running[job] = self.now + min(length, QUEUEING.patience)

    def _end(self, job: Job) -> None:
        request = ledger.read(self.store, keys.request(job), BackupRequest)
        record = BackupRecord(
            name=job.name,
            request=request.request,
            status="Completed",
            requested_at=request.requested_at,
            completed_at=self.now,
        )
        ledger.create(self.store, keys.final(job), record)
        endings.close(self.store, job)

    def _sweep(self) -> None:
        if self.now < self._next_sweep:
            return
        self._next_sweep = self.now + STALE
        busy = {job.name for job in (*self.waiting, *self.running)}
        for found in list(self.store.list("")):
            mine = found.key.startswith(("schedules/", "running/")) or any(name in found.key for name in busy)
            if not mine and self.now - found.modified > STALE:
                self.store.delete(found.key)


def _returned(steps: Iterator[object]) -> object:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def outcomes(years: Years, known: list[datetime]) -> dict[datetime, list[str]]:
    """What there is of each due time: `made`, or for what reason not; exactly one, if all is well."""
    store = years.store
    found: dict[datetime, list[str]] = {at: [] for at in known}
    for runs in store.entries.values():
        for over in [run.passed_over for run in runs if run.passed_over]:
            first = bisect_right(known, over.after) if over.after else 0
            for at in known[first : bisect_right(known, over.until)]:
                if not store.entries.get(at):
                    found[at].append("passed over")
    for at, runs in store.entries.items():
        found[at] += [f"made {name}" for name in store.made[at]]
        found[at] += [f"refused: {run.refused.code}" for run in runs if run.refused]
        found[at] += [f"rejected {run.job}" for run in runs if not run.refused and store.rejected[run.request]]
    return found
