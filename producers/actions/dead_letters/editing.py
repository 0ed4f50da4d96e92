"""Gives a dead letter back with another body, which is looked at before as the queue's worker would."""

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from producers.actions import events
from producers.session import Session
from producers.views.dead_letters.groups import shown
from schemas import events as e
from schemas import topology
from schemas.errors import Code, Invalid, MalformedEvent, NotFound

if TYPE_CHECKING:
    from workers.adapters.broker import DeadLetter

Side = Literal["same", "removed", "added"]


@dataclass(frozen=True)
class Line:
    """One line of a difference."""

    side: Side
    text: str


@dataclass(frozen=True)
class Edited:
    """A dead letter, the event in its place, and the lines that differ, with all that do not."""

    letter: "DeadLetter"
    event: e.AnyEvent
    lines: tuple[Line, ...]


def edited(session: Session, queue: str, id: str, text: str) -> Edited:
    """What `redrive` would give back. Raises NotFound; Invalid or MalformedEvent for what is no event, for one that the
    queue does not hear, or of another type than the letter has."""
    letter = events.dead_letter(session, queue, id)
    event = e.parse(_compact(text))
    if queue not in {each.name for each in topology.hearing(event.data)}:
        raise Invalid(f"{queue} does not hear {event.type}", subject=queue)
    before = _type(letter)
    if before is not None and event.type != before:
        raise Invalid(f"this was an event {before}, and stays one; it cannot become {event.type}")
    return Edited(letter, event, tuple(difference(shown(letter.body), shown(e.encode(event)))))


def redrive(session: Session, queue: str, id: str, text: str) -> e.AnyEvent:
    """Gives the letter back to its queue with the body `text`, in the name of who has sent it. Raises as `edited`, and
    as the bus."""
    found = edited(session, queue, id, text)
    if not session.bus.redrive(queue, {id}, {id: e.encode(found.event)}):
        raise NotFound(f"there is no dead letter {id!r:.80} on {queue} any more", code=Code.NO_SUCH_DEAD_LETTER)
    return found.event


def difference(before: str, after: str) -> list[Line]:
    """All lines of both, in order."""
    one, other = before.splitlines(), after.splitlines()
    found: list[Line] = []
    for what, i, j, k, m in difflib.SequenceMatcher(None, one, other).get_opcodes():
        if what == "equal":
            found += [Line("same", text) for text in one[i:j]]
        else:
            found += [Line("removed", text) for text in one[i:j]]
            found += [Line("added", text) for text in other[k:m]]
    return found


def _compact(text: str) -> bytes:
    """The body without the layout that it was shown with. Raises MalformedEvent."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"this is not JSON: {error}") from error


def _type(letter: "DeadLetter") -> str | None:
    """What the letter is, if it is an event that is known here."""
    try:
        return e.parse(letter.body).type
    except MalformedEvent:
        return letter.type if letter.type in e.KINDS else None
