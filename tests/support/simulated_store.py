"""An object store in memory that does all that a network may do to requests, as a seed says.

Requests of several actors are reordered, delayed and interleaved; answers are lost; writes take effect late, or twice;
a listing sees of what changes meanwhile whatever it likes; actors are killed between any two requests.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from schemas.errors import NotFound, TransientError
from tests.support.simulation import Simulation
from tests.support.sorted_keys import SortedKeys
from workers.adapters.twins.store import names_below
from workers.ports import StoredObject

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone: it does nothing more."""


class Event(NamedTuple):
    """What has happened. `what` is put, delete, lost, or what the test adds: told and forgotten."""

    what: str
    key: str
    body: bytes
    at: datetime
    actor: str | None
    late: bool  # a duplicate, or the late effect of what was given up


@dataclass
class Faults:
    """How often, of all requests of actors."""

    refused: float = 0.0  # without effect: a 503, or a time-out on the way there
    lost: float = 0.0  # the answer, after the effect
    belated: float = 0.0  # a time-out, and the effect comes later
    doubled: float = 0.0  # the effect comes once more later
    stalled: float = 0.0  # the actor sleeps before the request for one of `stalls`
    latest: timedelta = timedelta(hours=6)
    """Duplicates and late effects come within this."""
    stalls: tuple[timedelta, ...] = (timedelta(minutes=1),)


NONE = Faults()


class SimulatedStore:
    """The port `ObjectStore`. Who is no actor of the simulation meets no faults."""

    def __init__(self, simulation: Simulation, faults: Faults = NONE) -> None:
        self.simulation, self.faults = simulation, faults
        self.objects: SortedKeys[tuple[bytes, datetime]] = SortedKeys()
        self.history: list[Event] = []
        self.requests = 0
        self._left: dict[str | None, int] = {}

    def kill_after(self, requests: int) -> None:
        """The actor that calls this is killed before or after the effect of its request of that number."""
        self._left[self.simulation.actor] = requests

    def revive(self) -> None:
        """The actor that calls this is another process now."""
        self._left.pop(self.simulation.actor, None)

    def note(self, what: str, key: str) -> None:
        """Something outside of the store belongs into the history."""
        self._happened(what, key, b"", False)

    def lose(self, key: str) -> None:
        """Somebody takes an object away, around all faults."""
        self.objects.pop(key)
        self._happened("lost", key, b"", False)

    def replay(self, key: str) -> None:
        """Somebody puts an object back that was there once, around all faults."""
        body = next(event.body for event in self.history if event.what == "put" and event.key == key)
        self._put(key, body, True)

    # --- the port

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""

        def effect() -> bytes:
            if key not in self.objects:
                raise NotFound(f"there is no object {key}")
            body = self.objects[key][0]
            return body[start:] if length is None else body[start : start + length]

        return self._request("get", key, effect)

    def put(self, key: str, body: bytes | bytearray) -> None:
        """See the port."""
        whole = bytes(body)
        self._write("put", key, lambda late: self._put(key, whole, late))

    def create(self, key: str, body: bytes) -> bool:
        """See the port."""

        def effect(late: bool) -> bool:
            if key in self.objects:
                return False
            self._put(key, body, late)
            return True

        return self._write("create", key, effect)

    def delete(self, key: str) -> None:
        """See the port."""

        def effect(late: bool) -> None:
            if self.objects.pop(key, None):
                self._happened("delete", key, b"", late)

        self._write("delete", key, effect)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port. What comes or goes while it lists may be in it or not."""
        before = self._request("list", prefix, lambda: self._below(prefix))
        if self.simulation.actor is None:
            return iter(before.values())
        self.simulation.step(f"listing {prefix}")
        now, draw = self._below(prefix), self.simulation.random
        found = [each for key, each in (before | now).items() if (key in before and key in now) or draw.random() < 0.5]
        draw.shuffle(found)
        return iter(found)

    def names(self, prefix: str) -> Iterator[str]:
        """See the port. Seen through the same eyes as a listing."""
        return names_below(prefix, [each.key for each in self.list(prefix)])

    # --- what happens to requests

    def _write(self, what: str, key: str, effect: Callable[[bool], T]) -> T:
        """A request that a network may deliver late, or twice."""
        faults, draw = self.faults, self.simulation.random
        if self.simulation.actor is None:
            return self._request(what, key, lambda: effect(False))
        fate = draw.random()

        def delivered() -> T:
            if fate < faults.belated + faults.doubled:
                self.simulation.later(faults.latest * draw.random(), lambda: effect(True))
            if fate < faults.belated:
                raise TransientError(f"{what} {key} timed out; try again")
            return effect(False)

        return self._request(what, key, delivered)

    def _request(self, what: str, key: str, effect: Callable[[], T]) -> T:
        self.requests += 1
        if self._gone():
            raise Killed
        self._stall(f"{what} {key}")
        draw = self.simulation.random.random() if self.simulation.actor is not None else 1.0
        if draw < self.faults.refused:
            raise TransientError(f"503 at {what} {key}; try again")
        result = effect()
        if self._dying():
            raise Killed
        self.simulation.step("answer")
        if draw < self.faults.refused + self.faults.lost:
            raise TransientError(f"no answer to {what} {key}; try again")
        return result

    def _stall(self, label: str) -> None:
        draw = self.simulation.random
        if self.simulation.actor is not None and draw.random() < self.faults.stalled:
            self.simulation.step(label, draw.choice(self.faults.stalls))
        else:
            self.simulation.step(label)

    def _gone(self) -> bool:
        """Whether the process is gone before this request has an effect. It is then gone for all later ones."""
        actor = self.simulation.actor
        if actor not in self._left:
            return False
        self._left[actor] -= 1
        if self._left[actor] == 0:
            return self.simulation.random.random() < 0.5
        return self._left[actor] < 0

    def _dying(self) -> bool:
        return self._left.get(self.simulation.actor, 1) <= 0

    # --- what there is

    def _below(self, prefix: str) -> dict[str, StoredObject]:
        return {
            key: StoredObject(key, len(body), at, f"{hash(body):x}")
            for key in self.objects.below(prefix)
            for body, at in [self.objects[key]]
        }

    def _put(self, key: str, body: bytes, late: bool) -> None:
        self.objects[key] = body, self.simulation.now
        self._happened("put", key, body, late)

    def _happened(self, what: str, key: str, body: bytes, late: bool) -> None:
        self.history.append(Event(what, key, body, self.simulation.now, self.simulation.actor, late))
