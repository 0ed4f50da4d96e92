"""The records of what is known of how good a backup is. Times are UTC and the store's."""

from datetime import datetime
from typing import get_args

from pydantic import BaseModel, ConfigDict

from schemas.events.verification import Depth
from schemas.messages import Message
from schemas.records.base import Record

DEPTHS: tuple[Depth, ...] = get_args(Depth)
"""From the shallowest on."""


ALL = 1 << 32
"""The length of all contents, by which samples count."""


class Verification(Record):
    """How far a verification has come: the first `volumes` of those of `backup` are read. When it is `finished`, the
    `problems` are all. Of the contents it reads the part that begins at `begin` and is `length` of `ALL` long."""

    backup: str = ""
    depth: Depth = "full"
    began_at: datetime | None = None
    begin: int = 0
    length: int = ALL
    volumes: int = 0
    problems: list[Message] = []
    finished: bool = False


class SamplePosition(Record):
    """Where the next sample begins, and `at` which time the last one began."""

    begin: int
    at: datetime


class RestoreTested(Record):
    """How the newest test restore of a backup ended: `seconds` is the time from its request until the application was
    ready and its check had passed. `restore` is what it was called, empty for one into a directory."""

    at: datetime
    seconds: float
    restore: str = ""
    app: str | None = None
    problems: list[Message] = []


class Check(BaseModel):
    """What one verification has found: the first `problems`, and how many `more`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    at: datetime
    seconds: float
    request: str
    problems: list[Message] = []
    more: int = 0


class Verified(Record):
    """What is known of a backup by verifications: the newest of each depth."""

    checks: dict[Depth, Check] = {}

    def standing(self) -> tuple[Depth, Check] | None:
        """What counts now: the newest; but what a deeper look has found stands until one as deep has found nothing."""
        newest = sorted(self.checks.items(), key=lambda entry: entry[1].at)
        if not newest:
            return None
        for depth, check in reversed(newest):
            if check.problems and not self._refuted(depth, check):
                return depth, check
        return newest[-1]

    def _refuted(self, depth: Depth, check: Check) -> bool:
        deeper = DEPTHS[DEPTHS.index(depth) :]
        return any(
            other.at > check.at and not other.problems for other in (self.checks.get(each) for each in deeper) if other
        )
