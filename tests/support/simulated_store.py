"""An object store that only a seed decides over: who goes on next, and what fails, comes late, or comes twice.

Actors are threads of which one runs at a time; at each operation of the store the seed chooses who goes on. The
repository's own threads are replaced by calls in place (`one_thread_each`), so that a seed gives one schedule.
"""

import json
import random
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, MutableSequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from schemas.errors import NotFound, TransientError
from workers.ports import StoredObject
from workers.repository import (
    checkpoint,
    copying,
    cutting,
    fetching,
    filling,
    index,
    keyring,
    layout,
    packs,
    pending,
    pruning,
    repairing,
    sealing,
    verifying,
    volumes,
    writing,
)
from workers.repository.keyring import Keys
from workers.repository.layout import DAMAGE, INDEX, MARKS, PACKS, VOLUMES, name_of

T = TypeVar("T")

WRITE_ONCE = (PACKS, INDEX, VOLUMES, MARKS, DAMAGE)
START = datetime(2026, 11, 23, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone in the midst of an operation."""


@dataclass
class Faults:
    """Chances of what goes wrong with one operation."""

    refused: float = 0.0
    """Nothing happens, and the caller is told so."""
    answer_lost: float = 0.0
    """It happens, and the caller is told that it did not."""
    late: float = 0.0
    """The caller is told that it did not happen; it does, some time later."""
    twice: float = 0.0
    """It happens, and again some time later."""
    killed: float = 0.0
    """The caller ends; it happens or not."""


@dataclass
class Simulation:
    """Chance, the clock and the turns."""

    seed: int
    step: timedelta = timedelta(0)
    """The most that passes with one operation."""
    now: datetime = START
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._alive: dict[int, threading.Semaphore] = {}
        self._me = threading.local()
        self._errors: list[BaseException] = []
        self._done = threading.Semaphore(0)

    def run(self, *actors: Callable[[], None]) -> None:
        """Returns when all have ended. Raises what the first failed one raised."""
        threads = [threading.Thread(target=self._act, args=(number, each)) for number, each in enumerate(actors)]
        self._alive = {number: threading.Semaphore(0) for number in range(len(actors))}
        for thread in threads:
            thread.start()
        self._pass_on()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def turn(self) -> None:
        """Time passes, and somebody else may go on first."""
        self.now += self.step * self.dice.random()
        me = getattr(self._me, "number", None)
        if me is None or len(self._alive) < 2:
            return
        following = self.dice.choice(sorted(self._alive))
        if following != me:
            self._alive[following].release()
            self._alive[me].acquire()

    def chance(self, probability: float) -> bool:
        """True so often."""
        return probability > 0 and self.dice.random() < probability

    def _act(self, number: int, actor: Callable[[], None]) -> None:
        self._me.number = number
        self._alive[number].acquire()
        try:
            actor()
        except BaseException as error:
            self._errors.append(error)
        del self._alive[number]
        self._pass_on()

    def _pass_on(self) -> None:
        if self._alive:
            self._alive[self.dice.choice(sorted(self._alive))].release()


class SimulatedStore:
    """The port `ObjectStore`. `broken` collects what no writer may do (F1, F2, F13, F24)."""

    def __init__(self, simulation: Simulation, keys: Keys | None = None) -> None:
        self.simulation, self.keys = simulation, keys
        self.faults = Faults()
        self.bodies: dict[str, tuple[bytes, datetime]] = {}
        self.broken: list[str] = []
        self.operations: Counter[str] = Counter()
        self.most_bytes: int | None = None
        self._written: dict[str, bytes] = {}
        self._deleted: set[str] = set()
        self._late: list[Callable[[], None]] = []

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._do("get", key, lambda: self._get(key, start, length), changes=False)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        kept = bytes(body)
        self._check_put(key, kept)
        self._do("put", key, lambda: self._put(key, kept))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""
        return self._do("create", key, lambda: self._create(key, bytes(body)))

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        found = self._do("list", prefix, lambda: self._list(prefix), changes=False)
        self.simulation.dice.shuffle(found)
        return iter(found)

    def delete(self, key: str) -> None:
        """See the port."""
        self._check_delete(key)
        self._do("delete", key, lambda: self.bodies.pop(key, None) and None)

    def settle(self) -> None:
        """All that is late happens."""
        while self._late:
            self._late.pop(0)()

    # --- what happens

    def _do(self, what: str, key: str, effect: Callable[[], T], *, changes: bool = True) -> T:
        self.simulation.turn()
        self._some_late()
        self.operations[what] += 1
        faults, chance = self.faults, self.simulation.chance
        tried = f"could not {what} {key}: the simulated server"
        if chance(faults.killed):
            if changes and chance(0.5):
                self._quietly(effect)
            elif changes and chance(0.5):
                self._late.append(lambda: self._quietly(effect))
            raise Killed
        if chance(faults.refused):
            raise TransientError(f"{tried} was busy; try again")
        if changes and chance(faults.late):
            self._late.append(lambda: self._quietly(effect))
            raise TransientError(f"{tried} took too long; try again")
        result = effect()
        if changes and chance(faults.twice):
            self._late.append(lambda: self._quietly(effect))
        if changes and chance(faults.answer_lost):
            raise TransientError(f"{tried} did not answer; try again")
        self.simulation.turn()
        return result

    def _quietly(self, effect: Callable[[], Any]) -> None:
        try:
            effect()
        except TransientError:
            return

    def _some_late(self) -> None:
        while self._late and self.simulation.chance(0.1):
            self._late.pop(self.simulation.dice.randrange(len(self._late)))()

    def _get(self, key: str, start: int, length: int | None) -> bytes:
        if key not in self.bodies:
            raise NotFound(f"there is no object {key}")
        body = self.bodies[key][0]
        return body[start:] if length is None else body[start : start + length]

    def _put(self, key: str, body: bytes) -> None:
        before = len(self.bodies[key][0]) if key in self.bodies else 0
        if self.most_bytes is not None and self.size() - before + len(body) > self.most_bytes:
            raise TransientError(f"could not write {key}: the simulated server is full; make room")
        self.bodies[key] = body, self.simulation.now

    def _create(self, key: str, body: bytes) -> bool:
        free = key not in self.bodies
        if free:
            self._put(key, body)
        return free

    def _list(self, prefix: str) -> MutableSequence[StoredObject]:
        return [StoredObject(key, len(body), at) for key, (body, at) in self.bodies.items() if key.startswith(prefix)]

    def size(self) -> int:
        """All bytes."""
        return sum(len(body) for body, _ in self.bodies.values())

    # --- what must not happen

    def _check_put(self, key: str, body: bytes) -> None:
        if key.startswith(WRITE_ONCE):
            if self._written.setdefault(key, body) != body or key in self._deleted:
                self.broken.append(f"F1, F2: {key} was written twice")
            if self.keys and key.startswith(INDEX):
                for pack in index.decode(sealing.unseal(self.keys, body, key)):
                    if layout.pack_key(pack.id) not in self._written:
                        self.broken.append(f"F13: {key} lists pack {pack.id.hex()}, which was never written")

    def _check_delete(self, key: str) -> None:
        self._deleted.add(key)
        if self.keys and key.startswith(PACKS):
            standing = [
                json.loads(sealing.unseal(self.keys, body, mark))["packs"]
                for mark, (body, _) in self.bodies.items()
                if mark.startswith(MARKS)
            ]
            if not any(name_of(key) in each for each in standing):
                self.broken.append(f"F24: {key} was deleted without a mark")


class InPlace:
    """An executor that runs what is submitted at once, in the caller's thread."""

    def __init__(self, *_arguments: Any, **_more: Any) -> None:
        pass

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Its future is done."""
        future: Future[T] = Future()
        try:
            future.set_result(call(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, call: Callable[..., T], *iterables: Any) -> Iterator[T]:
        """As the built-in one."""
        return map(call, *iterables)

    def shutdown(self, **_how: Any) -> None:
        """Nothing is left to do."""

    def __enter__(self) -> "InPlace":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def one_thread_each(monkeypatch: pytest.MonkeyPatch, simulation: Simulation) -> None:
    """The repository uses no threads of its own, and has its chance and its clock from the simulation."""
    for module in (writing, fetching, volumes, verifying, filling, index, repairing, pruning):
        monkeypatch.setattr(module, "ThreadPoolExecutor", InPlace)
    chosen = SimpleNamespace(
        token_bytes=simulation.dice.randbytes, token_hex=lambda n: simulation.dice.randbytes(n).hex()
    )
    for module in (layout, packs, sealing, keyring):
        monkeypatch.setattr(module, "secrets", chosen)
    monkeypatch.setattr(pending, "zlib", SimpleNamespace(crc32=_by_length))
    monkeypatch.setattr(pruning, "datetime", SimpleNamespace(now=lambda _zone: simulation.now))
    monkeypatch.setattr(checkpoint, "time", SimpleNamespace(time=lambda: simulation.now.timestamp()))


def _by_length(data: bytes) -> int:
    """Trees are cut by what is in them, but times and inodes are not the seed's to choose."""
    return zlib.crc32(data if len(data) <= 64 else b"%d" % len(data))


def scaled_down(monkeypatch: pytest.MonkeyPatch, by: int = 256) -> None:
    """Chunks, packs and trees a small part of their size, so that little data makes many."""
    for module, names in (
        (cutting, ("CHUNK_LEAST", "CHUNK_NORMAL", "CHUNK_MOST", "WINDOW", "MOST_ADDED")),
        (copying, ("READ", "SEGMENT", "OWN_CHUNKS")),
        (packs, ("PACK_BYTES",)),
        (pending, ("TREE_NORMAL", "TREE_LARGE")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) // by)
    monkeypatch.setattr(copying, "LOOK_EVERY", 2)
    monkeypatch.setattr(pending, "BLOCK_NORMAL", 8)
    monkeypatch.setattr(index, "PACKS_PER_OBJECT", 4)
