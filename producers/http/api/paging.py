"""Long lists, a part at a time: from the newest on, from wherever the part before has ended."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from producers.http.problems import Problem

T = TypeVar("T")
MOST = 1000
USUAL = 100
Place = tuple[datetime, str]
"""Where a thing stands in a list: by its time, the newest first, then by its name."""


class Where(BaseModel):
    """In which destination; without a name, in the default one."""

    model_config = ConfigDict(extra="forbid")

    destination: str = Field(default="", max_length=300)


class Part(Where):
    """How many at most, and after which: `cursor` is what the part before has said is `next`."""

    limit: int = Field(default=USUAL, ge=1, le=MOST)
    cursor: str = Field(default="", max_length=1000)


class Page(BaseModel, Generic[T]):
    """A part of a list: `next` is the cursor of the following one, null at the end; `total` is how many there are."""

    items: list[T]
    next: str | None
    total: int


def page(found: Sequence[T], query: Part, place: Callable[[T], Place]) -> Page[T]:
    """The part that was asked for of a list that is sorted already. What is added or goes meanwhile makes nothing else
    come twice, or not at all. Raises Problem for a cursor that is none."""
    left = found
    if query.cursor:
        time, name = _read(query.cursor)
        left = [each for each in found if _after(place(each), time, name)]
    items = list(left[: query.limit])
    more = len(left) > len(items)
    return Page(items=items, next=_written(place(items[-1])) if more else None, total=len(found))


def utc(given: datetime | None) -> datetime | None:
    """A time without a zone is UTC."""
    return given.replace(tzinfo=UTC) if given and given.tzinfo is None else given


def _after(here: Place, time: datetime, name: str) -> bool:
    return here[0] < time or (here[0] == time and here[1] > name)


def _written(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0].isoformat()} {place[1]}".encode()).decode()


def _read(cursor: str) -> Place:
    try:
        time, _, name = base64.b64decode(cursor, "-_", validate=True).decode().partition(" ")
        moment = datetime.fromisoformat(time)
    except (ValueError, binascii.Error):
        moment, name = datetime.min, ""  # told as what it is below
    if moment.tzinfo is None:
        raise Problem(400, "query.cursor: this is no cursor; give one that an answer has named as `next`")
    return moment, name
