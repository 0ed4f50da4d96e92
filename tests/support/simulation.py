"""Actors that run one at a time, on a clock of their own; a seed alone says who goes on when.

Each actor is a thread. It hands a baton over at each `step`, and nobody runs without the baton.
"""

import faulthandler
import heapq
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 2, tzinfo=UTC)
SOON = timedelta(milliseconds=50)
PATIENCE = 300.0
"""Seconds in which somebody must have handed the baton over."""


class Simulation:
    """`random` is for the actors, too: as only one runs at a time, what it gives is the same each time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = START
        self.trace: list[str] = []
        """What was done in which order, for comparing two runs."""
        self.errors: list[BaseException] = []
        self.clocks: dict[str, timedelta] = {}
        """How far the clocks of actors are ahead of the one of the simulation, which is the store's."""
        self.unaware: set[str] = set()
        """Actors whose clocks stand still while they sleep, as those of suspended machines do."""
        self._wakes: dict[str, datetime] = {}
        self._resting: set[str] = set()
        self._turns: dict[str, threading.Lock] = {}
        self._late: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = 0
        self._local = threading.local()
        self._over = _taken()

    def run(self, actors: dict[str, Callable[[], None]]) -> None:
        """Returns when all are done. Raises what the first of them raised; AssertionError if one waits for another
        outside of the simulation, as for a lock, and says on standard error where each of them is."""
        self._turns = {name: _taken() for name in actors}
        self._wakes = dict.fromkeys(actors, self.now)
        threads = [threading.Thread(target=self._act, args=each, daemon=True) for each in actors.items()]
        for thread in threads:
            thread.start()
        self._turns[self._next()].release()
        self._await_end()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _await_end(self) -> None:
        before = None
        while not self._over.acquire(timeout=PATIENCE):
            if self.now == before:
                faulthandler.dump_traceback()
                raise AssertionError(f"nobody has handed the baton over for {PATIENCE:.0f} s")
            before = self.now

    @property
    def actor(self) -> str | None:
        """Whose thread this is; None for who is outside of the simulation."""
        return getattr(self._local, "name", None)

    def clock(self) -> datetime:
        """What the clock of this actor says."""
        return self.now + self.clocks.get(self.actor or "", timedelta(0))

    def step(self, label: str = "", sleep: timedelta = timedelta(0)) -> None:
        """Lets others go on, for at least `sleep`; returns when it is this actor's turn again."""
        me = self.actor
        if me is None:
            return
        self.trace.append(f"{me} {label}")
        self.hand_over(sleep)

    def hand_over(self, sleep: timedelta = timedelta(0)) -> None:
        """As `step`, of an actor, without a place in the trace."""
        me = self.actor or ""
        self.now += SOON * self.random.random()
        if me in self.unaware:
            self.clocks[me] = self.clocks.get(me, timedelta(0)) - sleep
        self._hand_over(me, self.now + sleep)

    def rest(self) -> None:
        """Lets others go on until somebody calls `wake` for this actor."""
        if (me := self.actor) is not None:
            del self._wakes[me]
            self._resting.add(me)
            self._give_turn(me)

    def wake(self, actor: str) -> None:
        """An actor that rests, or sleeps, goes on now."""
        if actor in self._resting:
            self._resting.discard(actor)
            self._wakes[actor] = self.now
        elif actor in self._wakes:
            self._wakes[actor] = min(self._wakes[actor], self.now)

    def _hand_over(self, me: str, until: datetime) -> None:
        self._wakes[me] = until
        self._give_turn(me)

    def _give_turn(self, me: str) -> None:
        following = self._next()
        if following != me:
            self._turns[following].release()
            self._turns[me].acquire()

    def later(self, delay: timedelta, effect: Callable[[], object]) -> None:
        """Has something happen after `delay`, whoever runs then."""
        self._numbers += 1
        heapq.heappush(self._late, (self.now + delay, self._numbers, effect))

    def advance(self, by: timedelta) -> None:
        """From outside: time goes by, and what was to happen happens."""
        self._move_to(self.now + by)

    def _move_to(self, moment: datetime) -> None:
        while self._late and self._late[0][0] <= moment:
            at, _, effect = heapq.heappop(self._late)
            self.now = max(self.now, at)
            effect()
        self.now = max(self.now, moment)

    def _next(self) -> str:
        """Whose turn it is. When all sleep, the clock goes on to the first that wakes."""
        if not self._wakes:  # nobody is left who could wake those that rest
            self._wakes, self._resting = dict.fromkeys(sorted(self._resting), self.now), set()
        first = min(self._wakes.values())
        while self._late and self._late[0][0] <= max(self.now, first):
            self._move_to(self._late[0][0])
            first = min(self._wakes.values())  # somebody may have been woken
        now = self.now = max(self.now, first)
        awake = sorted([name for name, at in self._wakes.items() if at <= now])
        return self.random.choice(awake)

    def _act(self, name: str, act: Callable[[], None]) -> None:
        self._local.name = name
        self._turns[name].acquire()
        try:
            act()
        except BaseException as error:
            self.errors.append(error)
        del self._wakes[name]
        if self._wakes or self._resting:
            self._turns[self._next()].release()
        else:
            self._over.release()


def _taken() -> threading.Lock:
    """Who acquires it waits until another releases it: a semaphore that costs a third."""
    lock = threading.Lock()
    lock.acquire()
    return lock
