"""What can be done with the bus by hand: publish any event, look at dead letters."""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from producers.session import Session
from schemas import events as e
from schemas.errors import Code, Invalid, NotFound

if TYPE_CHECKING:
    from workers.adapters.broker import DeadLetter


def publish(session: Session, type: str, data: object, *, id: str | None = None) -> e.AnyEvent:
    """Publishes one event; workers accept internal ones from inside only. Raises MalformedEvent for an unknown type,
    Invalid for wrong data, and as the bus."""
    kind = e.kind_of(type)
    try:
        event = kind.model_validate(data)
    except ValidationError as error:
        raise Invalid(f"this is no data of {type}: {e.explain(error)}") from error
    chosen = id or (str(uuid.uuid4()) if type in e.REQUESTS else event.event_id)
    wrapped = e.wrap(event, id=chosen, source=session.source, time=datetime.now(UTC))
    session.bus.publish(wrapped)
    return wrapped


def dead_letter(session: Session, queue: str, id: str) -> "DeadLetter":
    """One dead letter of a queue. Raises NotFound, and Invalid for a name that no queue can have."""
    for letter in session.bus.dead_letters(queue):
        if letter.id == id:
            return letter
    raise NotFound(f"there is no dead letter {id!r:.80} on {queue}", code=Code.NO_SUCH_DEAD_LETTER)
