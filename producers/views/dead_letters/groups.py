"""Dead letters, grouped by queue and reason. What differs from one letter to the next in a reason does not count."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.session import Session
from schemas import topology
from schemas.errors import SnaplineError
from schemas.kubernetes import NODES
from schemas.messages import Message, told

if TYPE_CHECKING:
    from workers.adapters.broker import DeadLetter

_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8,}\b|\b\w*-[bcdfghjklmnpqrstvwxz2456789]{5}\b|\d+")
"""Quoted text, digests and ids, names of jobs, numbers."""


@dataclass(frozen=True)
class Group:
    """Letters of one queue that lie there for the same reason, the newest first. `key` names the group, for as long as
    it has the same reason."""

    key: str
    queue: str
    reason: str
    letters: "tuple[DeadLetter, ...]"

    @property
    def types(self) -> list[str]:
        """What they say that they are."""
        return sorted({letter.type or "no event" for letter in self.letters})


@dataclass(frozen=True)
class Found:
    """The groups, the largest first; and the queues of which nobody could say what lies there, and why."""

    groups: tuple[Group, ...]
    unread: tuple[tuple[str, Message], ...] = ()

    @property
    def count(self) -> int:
        """All letters."""
        return sum(len(group.letters) for group in self.groups)


def dead_letters(session: Session) -> Found:
    """Those of all queues, the nodes' too. Raises what the first queue raises if none can be looked at."""
    letters: list[DeadLetter] = []
    unread: list[tuple[str, Message]] = []
    first: SnaplineError | None = None
    names = queues(session)
    for name in names:
        try:
            letters += session.bus.dead_letters(name)
        except SnaplineError as error:
            first = first or error
            unread.append((name, told(error)))
    if first is not None and len(unread) == len(names):
        raise first
    return Found(tuple(grouped(letters)), tuple(unread))


def grouped(letters: "Iterable[DeadLetter]") -> list[Group]:
    """The largest group first, then by queue and reason."""
    found: dict[tuple[str, str], list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        found[letter.queue, _VARIES.sub("…", letter.reason)].append(letter)
    made = [_group(queue, common, together) for (queue, common), together in found.items()]
    return sorted(made, key=lambda group: (-len(group.letters), group.queue, group.reason))


def _group(queue: str, common: str, letters: "Sequence[DeadLetter]") -> Group:
    key = hashlib.sha256(f"{queue}/{common}".encode()).hexdigest()[:16]
    newest = sorted(letters, key=lambda letter: letter.parked_at, reverse=True)
    reason = newest[0].reason if len({letter.reason for letter in letters}) == 1 else common
    return Group(key, queue, reason, tuple(newest))


def shown(body: bytes) -> str:
    """A body for people: JSON is laid out; what is not text has marks in place of its bytes."""
    text = body.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def queues(session: Session) -> list[str]:
    """Those behind which letters may lie, the nodes' too."""
    return [*topology.QUEUES, *_node_queues(session)]


def _node_queues(session: Session) -> list[str]:
    """The queues of the nodes that are there, as far as anybody knows."""
    names = set(session.rights.node_queues)
    try:
        names |= {topology.volumes(node["metadata"]["name"]).name for node in session.cluster.list(NODES)}
    except SnaplineError:
        return sorted(names)
    return sorted(names)
