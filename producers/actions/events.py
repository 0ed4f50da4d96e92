"""What can be done with the bus by hand: publish any event, look at dead letters."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from producers.session import Session
from schemas import events as e
from schemas import signing
from schemas.errors import Code, Invalid, NotFound

if TYPE_CHECKING:
    from workers.adapters.broker import DeadLetter


@dataclass(frozen=True)
class Signer:
    """Who signs a request, for whom (schemas/signing.py)."""

    key_id: str
    pem: bytes
    audience: str = ""

    def sign(self, event: e.AnyEvent, now: datetime) -> str:
        """The signature's header. Raises Invalid."""
        created, key = int(now.timestamp()), signing.load_private(self.pem)
        return signing.sign(key, self.key_id, e.encode(event), created=created, audience=self.audience)


def publish(
    session: Session, type: str, said: object, *, id: str | None = None, signer: Signer | None = None
) -> e.AnyEvent:
    """Publishes one event, given by its data or as a whole (`is_whole`), which keeps its id and source; workers accept
    internal ones from inside only. Raises MalformedEvent for an unknown type or field, Invalid for wrong data or a key
    that is none, and as the bus."""
    event = _whole(type, said, id) if is_whole(said) else _wrapped(session, type, said, id)
    session.bus.publish(event, signer.sign(event, datetime.now(UTC)) if signer else None)
    return event


def is_whole(said: object) -> bool:
    """Whether that is an event with its envelope, and not the data of one."""
    return isinstance(said, dict) and "specversion" in said


def _whole(type: str, said: object, id: str | None) -> e.AnyEvent:
    event = e.parse(json.dumps(said, default=str).encode())
    if event.type != type:
        raise Invalid(f"this is an event {event.type}, not {type}")
    if id not in (None, event.id):
        raise Invalid(f"this event has the id {event.id!r:.300} already")
    return event


def _wrapped(session: Session, type: str, said: object, id: str | None) -> e.AnyEvent:
    kind = e.kind_of(type)
    if not isinstance(said, dict):
        raise Invalid(f"this is no data of {type}: that is an object with {', '.join(kind.model_fields)}, or {{}}")
    e.check_fields(kind, said)
    try:
        event = kind.model_validate(said)
        chosen = id or (str(uuid.uuid4()) if type in e.REQUESTS else event.event_id)
        return e.wrap(event, id=chosen, source=session.source, time=datetime.now(UTC))
    except ValidationError as error:
        raise Invalid(f"this is no data of {type}: {e.explain(error)}") from error


def redrive(session: Session, queue: str, ids: set[str] | None) -> int:
    """Gives dead letters back to their queue, all or those in `ids`; how many. Raises NotFound, and then does nothing,
    if one of `ids` is not there."""
    _must_be_there(session, queue, ids)
    return session.bus.redrive(queue, ids)


def drop(session: Session, queue: str, ids: set[str] | None) -> int:
    """Throws dead letters away; as `redrive`."""
    _must_be_there(session, queue, ids)
    return session.bus.drop(queue, ids)


def _must_be_there(session: Session, queue: str, ids: set[str] | None) -> None:
    if unknown := (ids or set()) - {letter.id for letter in session.bus.dead_letters(queue)}:
        raise _unknown(queue, min(unknown))


def _unknown(queue: str, id: str) -> NotFound:
    return NotFound(f"there is no dead letter {id!r:.80} on {queue}", code=Code.NO_SUCH_DEAD_LETTER)


def dead_letter(session: Session, queue: str, id: str) -> "DeadLetter":
    """One dead letter of a queue. Raises NotFound, and Invalid for a name that no queue can have."""
    for letter in session.bus.dead_letters(queue):
        if letter.id == id:
            return letter
    raise _unknown(queue, id)
