"""The simulation's clock and turns, with processes that threads belong to: one that is killed does nothing more."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas.errors import SnaplineError
from tests.support.simulated_store import Killed
from tests.support.simulation import START, Simulation

NOW = timedelta(0)
DIGEST = re.compile("(?<=/)[0-9a-f]{64}")
PATIENCE_OF_LOCKS = timedelta(milliseconds=200)


class Process:
    """One process on a machine, until it is killed. `ahead` is how far its clock is."""

    def __init__(self, name: str, ahead: timedelta) -> None:
        self.name, self.ahead = name, ahead
        self.dead = False

    def is_mistaken(self) -> bool:
        """Whether it cannot know what time it is."""
        return False


@dataclass
class _Beat:
    """What a thread of its own would do meanwhile, every so often."""

    act: Callable[[], None]
    every: timedelta
    due: datetime


class Machines(Simulation):
    """A simulation whose actors are threads of processes. Each `step` is a place to die at. `kill_chance` is that of
    each step of an actor at work, while there are `kills` left; `calm` is how rarely the turn changes. What is noted is
    kept if it is `traced`."""

    def __init__(self, seed: int, *, traced: bool = True) -> None:
        super().__init__(seed)
        self.seed, self.traced = seed, traced
        self.kills, self.kill_chance, self.calm = 0, 0.0, 0.5
        self.killed: Callable[[Process], None] = lambda _: None
        self.members: dict[str, Process] = {}
        self.at_work: set[str] = set()
        self.documents: dict[str, dict[str, Any]] = {}
        """The event that a thread works on, or has worked on last; `began` is since when."""
        self.began: dict[str, datetime] = {}
        self._beats: dict[str, list[_Beat]] = {}
        self._beating: set[str] = set()

    @property
    def process(self) -> Process | None:
        """Whose thread this is."""
        return self.members.get(self.actor or "")

    def clock(self) -> datetime:
        """What the clock of this thread's machine says."""
        process = self.process
        return self.now + (process.ahead if process else NOW)

    def seconds(self) -> float:
        """Since any moment, by a clock that nobody sets."""
        return (self.now - START).total_seconds()

    def note(self, text: str) -> None:
        """Something belongs into the trace; without digests, as those of objects that name directories differ."""
        if not self.traced:
            return
        text = DIGEST.sub("", text)
        self.trace.append(f"{self.seconds():9.2f} {self.actor or '-':22} {text}")

    def step(self, label: str = "", sleep: timedelta = NOW) -> None:
        """See Simulation. Raises Killed for a thread whose process is gone, before or after others have gone on."""
        me = self.actor
        if me is None:
            return
        self._look(me)
        until = self.now + sleep
        while beat := self._next_beat(me, until):
            self._pass(me, label, max(beat.due - self.now, NOW))
            beat.due = self.now + beat.every
            self._beat(me, beat)
        self._pass(me, label, max(until - self.now, NOW))
        if self.kills and me in self.at_work and self.random.random() < self.kill_chance:
            self.kills -= 1
            self.kill(self.members[me])
        self._look(me)

    def kill(self, process: Process) -> None:
        """By SIGKILL."""
        if not process.dead:
            process.dead = True
            self.note(f"*** {process.name} is killed")
            self.killed(process)

    @contextmanager
    def pulsing(self, pulse: Callable[[], None], every: float = 30.0) -> Iterator[None]:
        """In place of `workers.jobs.pulse.pulsing`: the same, by the simulation's clock."""
        mine = self._beats.setdefault(self.actor or "", [])
        beat = _Beat(pulse, timedelta(seconds=every), self.now + timedelta(seconds=every))
        mine.append(beat)
        try:
            yield
        finally:
            mine.remove(beat)

    def _pass(self, me: str, label: str, sleep: timedelta) -> None:
        if label:
            self.note(label)
        if sleep or self.random.random() >= self.calm:
            self.hand_over(sleep)
        else:
            self.now += timedelta(milliseconds=5)
        self._look(me)

    def _look(self, me: str) -> None:
        process = self.members.get(me)
        if process is not None and process.dead:
            raise Killed

    def _next_beat(self, me: str, until: datetime) -> _Beat | None:
        if me in self._beating:
            return None
        due = [beat for beat in self._beats.get(me, ()) if beat.due <= until]
        return min(due, key=lambda beat: beat.due) if due else None

    def _beat(self, me: str, beat: _Beat) -> None:
        self._beating.add(me)
        try:
            with suppress(SnaplineError):
                beat.act()
        finally:
            self._beating.discard(me)


class Turn:
    """A lock whose holder may let others go on: who waits lets them, too."""

    def __init__(self, machines: Machines) -> None:
        self._machines, self._holder = machines, ""

    def acquire(self, blocking: bool = True) -> bool:
        """See threading.Lock."""
        while self._holder:
            if not blocking:
                return False
            self._machines.step("", PATIENCE_OF_LOCKS)
        self._holder = self._machines.actor or "somebody"
        return True

    def release(self) -> None:
        """See threading.Lock."""
        self._holder = ""

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
