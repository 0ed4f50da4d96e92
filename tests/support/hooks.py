"""A cluster of one pod whose commands are scripted, and the plan of its hooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.errors import Damaged
from schemas.kubernetes import Object
from schemas.records import HookPlan
from tests.support.objects import pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def hook(name: str, **fields: object) -> HookPlan:
    """A hook of pod shop/db-0 that runs a program called `name`."""
    standard = {"source": "annotation", "pod": "db-0", "uid": "pod-1", "container": "main", "timeout_seconds": 30}
    return HookPlan.model_validate({**standard, "command": [name], **fields})


@dataclass
class Pods:
    """The pod shop/db-0, and what was run in it. `answers` are called in place of the programs that they name."""

    answers: dict[str, Callable[[], Ended]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    now: datetime = NOW
    cluster: MemoryCluster = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([db()], run=self._run)

    def clock(self) -> datetime:
        """The time."""
        return self.now

    def answer(self, name: str, ended: Ended | Exception) -> None:
        """What the program called `name` does from now on."""

        def give() -> Ended:
            if isinstance(ended, Exception):
                raise ended
            return ended

        self.answers[name] = give

    def _run(self, _pod: Object, container: str, command: Sequence[str], _deadline: timedelta) -> Ended:
        words = [word for word in command if word != "env" and not word.startswith("SNAPLINE_HOOK=")]
        name = "end" if "snapline-end" in words else words[0]
        self.ran.append(name if container == "main" else f"{name} in {container}")
        return self.answers.get(name, Ended)()


class Sealing:
    """A repository that seals nothing, but opens only what was sealed for the same place."""

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """See the port."""
        return context.encode() + b"\n" + plaintext

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """See the port."""
        place, _, plaintext = sealed.partition(b"\n")
        if place != context.encode():
            raise Damaged(f"{context} was not sealed for this place")
        return plaintext

    def seal_record(self, record: bytes, key: str) -> bytes:
        """See the port."""
        return self.seal(record, key)

    def open_record(self, kept: bytes, key: str) -> bytes:
        """See the port."""
        return self.unseal(kept, key)


def db(**rest: Any) -> Object:
    """The pod shop/db-0."""
    return pod("db-0", uid="pod-1", **rest)
