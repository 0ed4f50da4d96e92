"""One history, from a seed: requests, storms, rest; and what was found wrong in it."""

import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.job import Job
from tests.simulation import rules, town, weather
from tests.simulation.asking import Asking
from tests.simulation.looking import Looking, SealedWatching
from tests.simulation.machinery.environment import simulated
from tests.simulation.machinery.line import CONSOLE, Line
from tests.simulation.machinery.machines import Machines
from tests.simulation.watch import Watch, Wrong
from tests.unit.model.edits import edit, let_go
from tests.unit.model.emulated import Emulated
from tests.unit.model.machine import authority
from tests.unit.model.watching import Moment

LONGEST = timedelta(hours=12)
"""By the simulation's clock: what has not ended so long after all is well again is stuck."""
LOOK = timedelta(seconds=3)
YOUNG = timedelta(hours=2)
"""After that, backups expire that are kept for an hour, and what was deleted may be reclaimed."""

OLD = timedelta(hours=50)
"""After that nothing is young enough to be spared by a prune."""


@dataclass
class Outcome:
    """What came of a seed. `counts` say how jobs ended, and what happened to them."""

    seed: int
    wrong: list[Wrong]
    trace: list[str]
    counts: Counter[str] = field(default_factory=Counter)


def run(seed: int, *, traced: bool = True) -> Outcome:
    """A whole history. Its trace is the same each time; it costs a tenth of the time."""
    return _History(seed, traced).run()


class _History:
    def __init__(self, seed: int, traced: bool) -> None:
        self.seed, self.chance = seed, random.Random(f"history {seed}")
        nodes = self.chance.choice([["node-a"], ["node-a"], ["node-a", "node-b"]])
        machines = Machines(seed, traced=traced)
        self.watch = Watch(lambda: machines, lambda: self.line.plain, self._seen, self._opened)
        self.world = Emulated(lambda: machines.now, nodes)
        self.line = Line(
            machines,
            self.world,
            nodes,
            authority().trusted,
            self.watch.written,
            self.watch.touching,
            self.watch.telling,
            self._cancelled,
        )
        self.line.machines.killed = self.line.bus.close
        self.watching = SealedWatching(self.world, self.line.plain["default"], CONSOLE, [])
        self.looking = Looking(self.line, self.watching, self.watch)
        self.asking = Asking(self.line, self.chance)
        self.checked: set[str] = set()
        self.counts: Counter[str] = Counter()

    def run(self) -> Outcome:
        line = self.line
        try:
            with simulated(line.machines, line.bus, self.seed):
                self.watching.apps = town.found(self.world, self.chance, self.chance.randint(1, 3))
                weather.set_clocks(line, self.chance)
                line.machines.run({"conductor": self._conduct, **line.actors()})
        except AssertionError as error:
            self.watch.found("nothing-stuck", str(error))
        except Exception as error:
            self.watch.found("simulation", f"{error!r} at {traceback.extract_tb(error.__traceback__)[-1]}")
        finally:
            self.world.close()
        return Outcome(self.seed, self.watch.wrong, line.machines.trace, self.counts)

    def _conduct(self) -> None:
        try:
            for number in range(self.chance.choice([1, 2, 2])):
                if number:
                    self._others_edit()
                self._part()
        finally:
            self.line.end()

    def _part(self) -> None:
        """Requests among storms, then rest; and a look at everything."""
        line, draw = self.line, self.chance
        start = self._begin()
        weather.begin(line, draw)
        for ask in self.asking.some(draw.choice([1, 2, 3])):
            ask()
            line.machines.step("", timedelta(seconds=draw.choice([0, 0.5, 5, 60])))
            if draw.random() < 0.3:
                weather.strike(line, draw)
        if draw.random() < 0.5:
            line.machines.step("", timedelta(seconds=draw.choice([1, 10, 100])))
            weather.strike(line, draw)
        self._rest()
        self._look(start)

    def _begin(self) -> Moment:
        self.world.settle()
        self.watch.touched.clear()
        return self.watching.moment()

    def _others_edit(self) -> None:
        """Time goes by, and people change what they have."""
        line = self.line
        line.ticking = False
        line.machines.step("", self.chance.choice([timedelta(minutes=1), YOUNG, OLD]))
        line.ticking = True
        for _ in range(self.chance.randint(0, 3)):
            edit(self.world, self.chance, str(line.machines.now))
        let_go(self.world)

    def _rest(self) -> None:
        """All is well again, until nothing is left to do."""
        line = self.line
        weather.end(line)
        line.machines.step("", weather.LATEST)
        until = line.machines.now + LONGEST
        while line.machines.now < until:
            line.machines.step("", LOOK)
            if line.bus.is_quiet() and not line.running():
                self.world.settle()
                return
        left = [
            f"{message.routing_key} {message.headers.get('snapline-reason')} {message.headers.get('snapline-attempt')}"
            for message in line.bus.lost()
        ]
        raise AssertionError(f"after {LONGEST} there is {line.running()}, {left}")

    def _look(self, start: Moment) -> None:
        self.watch.wrong += rules.broken(self.looking, self.asking.asked, start, self.checked)
        for backup in self.looking.backups():
            self.counts[f"backup {backup.status}"] += backup.name not in self.checked
            self.counts["volumes"] += len(backup.volumes) if backup.name not in self.checked else 0
        for restore in self.watching.restores():
            self.counts[f"restore {restore.status}"] += restore.name not in self.checked
        self.checked |= {each.name for each in self.looking.backups()}
        self.checked |= {each.name for each in self.watching.restores()}

    def _seen(self, key: str) -> None:
        if key.startswith("final/restore/"):
            self.world.settle()
        self.watching.seen(key)

    def _opened(self, key: str, body: bytes) -> bytes:
        return self.looking.repository.open_record(body, key)

    def _cancelled(self, job: Job) -> None:
        self.watch.cancelled_at.setdefault(job, self.line.machines.now)
