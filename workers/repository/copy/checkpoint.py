"""How far a copy has come; sealed, so that whoever keeps it learns nothing."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime

from schemas.errors import Damaged
from workers.repository.format.ambient import Ambient
from workers.repository.format.sealing import SealedStore
from workers.repository.format.tree import shown

CONTEXT = "checkpoint of "
LONGEST = 14 * 24 * 3600
"""Seconds that a copy may take (F27)."""
MOST_WARNINGS = 1000
MOST_UNREADABLE = 100
"""A failing disk or a missing right hurts very many files at once; so many names say where."""

LONGEST_NAMED = 4096
"""Letters of a path that a warning names; no path that the kernel takes in one call is longer."""


@dataclass
class Position:
    """Everything before it is copied: in `directory` up to `name`, all of it if that is None. If the slice ended inside
    a file, its first `start` bytes; `stamp` tells if it has changed since."""

    directory: bytes
    name: bytes | None = None
    start: int = 0
    stamp: list[int] = field(default_factory=list)


@dataclass
class State:
    """What is known between two slices. `tree` are the ids of the finished tree chunks."""

    copy: str
    started: float  # seconds since 1970 UTC
    marks: list[str] = field(default_factory=list)
    open_marks: bool = False
    tree: list[bytes] = field(default_factory=list)
    position: Position | None = None
    parent_chunk: int = 0
    linked: bool = False
    scanned: int = 0
    changed: int = 0
    uploaded: int = 0
    files: int = 0
    kept: int = 0  # files that the parent has, too
    altered: int = 0  # of these, those that have changed
    new: int = 0  # bytes of content that were in no chunk before
    new_stored: int = 0  # the same, compressed
    warnings: list[str] = field(default_factory=list)
    unlisted_warnings: int = 0
    unreadable: list[str] = field(default_factory=list)
    unlisted_unreadable: int = 0

    def warn(self, warning: str) -> None:
        """Remembers a warning; if there are very many, only their number."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(warning)
        else:
            self.unlisted_warnings += 1

    def warn_of(self, path: bytes, why: str) -> None:
        """Remembers a warning about one path."""
        self.warn(f"{named(path)}: {why}")

    def lose(self, path: bytes, why: str) -> None:
        """Remembers that the copy lacks content that is there; of very many paths only their number."""
        if len(self.unreadable) < MOST_UNREADABLE:
            self.unreadable.append(f"{named(path)}: {why}")
        else:
            self.unlisted_unreadable += 1

    def all_unreadable(self) -> tuple[str, ...]:
        """For the result."""
        more = (f"and {self.unlisted_unreadable} more could not be read",) if self.unlisted_unreadable else ()
        return (*self.unreadable, *more)

    def all_warnings(self) -> tuple[str, ...]:
        """For the result."""
        more = (f"and {self.unlisted_warnings} more warnings",) if self.unlisted_warnings else ()
        return (*self.warnings, *more)

    def too_old(self, now: datetime) -> bool:
        """Whether marks may have been deleted since it began (F27)."""
        return not -3600 < now.timestamp() - self.started < LONGEST


def named(path: bytes) -> str:
    """A path for a human, its middle left out if it is very long: warnings travel with the job."""
    text = shown(path)
    return text if len(text) <= LONGEST_NAMED else f"{text[: LONGEST_NAMED // 2]}[…]{text[-LONGEST_NAMED // 2 :]}"


def begin(ambient: Ambient) -> State:
    """A copy that begins now."""
    return State(ambient.new_id(), ambient.now().timestamp())


def encode(sealed: SealedStore, state: State, binding: str) -> bytes:
    """The bytes for the next slice, on whichever node. They open only with the same `binding` (F8)."""
    fields = asdict(state)
    fields["tree"] = [id_.hex() for id_ in state.tree]
    if state.position:
        name = state.position.name
        fields["position"] = {
            **fields["position"],
            "directory": state.position.directory.hex(),
            "name": None if name is None else name.hex(),
        }
    return sealed.seal(json.dumps(fields).encode(), CONTEXT + binding)


def decode(sealed: SealedStore, checkpoint: bytes, binding: str) -> State:
    """The inverse. Raises Damaged."""
    try:
        fields = json.loads(sealed.unseal(checkpoint, CONTEXT + binding))
        fields["tree"] = [bytes.fromhex(id_) for id_ in fields["tree"]]
        if fields["position"]:
            position = fields["position"]
            name = position["name"]
            position["directory"] = bytes.fromhex(position["directory"])
            position["name"] = None if name is None else bytes.fromhex(name)
            fields["position"] = Position(**position)
        return State(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"a checkpoint cannot be read ({type(error).__name__}); cancel the backup and start it anew"
        ) from error
