"""Messages that could not be handled: list, look at, give back, throw away."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from producers.actions import events as actions
from producers.http.api.operation import Call
from producers.http.ours.backups import Given
from producers.http.problems import Problem
from workers.adapters.broker import DeadLetter

LONGEST_BODY = 10_000


class Letter(BaseModel):
    """A dead letter; `parked_at` is RFC 3339, or empty where the broker does not say."""

    queue: str
    id: str
    type: str | None
    reason: str
    sender: str | None
    parked_at: str | None
    size: int


class LetterDescribed(Letter):
    """With the beginning of its body."""

    body: str


class Which(Given):
    """Those with these ids, or `all` of the queue."""

    ids: list[str] = Field(default=[], max_length=10_000)
    all: bool = False


class Redriven(BaseModel):
    """How many there were."""

    queue: str
    count: int


def list_dead_letters(call: Call) -> list[Letter]:
    """All dead letters, with the reasons."""
    return [_letter(each) for each in call.session.bus.dead_letters()]


def get_dead_letter(call: Call, queue: str, id: str) -> LetterDescribed:
    """One dead letter, with its body."""
    found = actions.dead_letter(call.session, queue, id)
    body = found.body.decode(errors="replace")[:LONGEST_BODY]
    return LetterDescribed(**_letter(found).model_dump(), body=body)


def redrive_dead_letters(call: Call, queue: str, body: Which) -> Redriven:
    """Give dead letters back to their queue."""
    return Redriven(queue=queue, count=actions.redrive(call.session, queue, _ids(body)))


def drop_dead_letters(call: Call, queue: str, body: Which) -> Redriven:
    """Throw dead letters away."""
    return Redriven(queue=queue, count=actions.drop(call.session, queue, _ids(body)))


def _ids(which: Which) -> set[str] | None:
    if bool(which.ids) == which.all:
        raise Problem(422, "body: name ids, or say all")
    return None if which.all else set(which.ids)


def _letter(letter: DeadLetter) -> Letter:
    fields = asdict(letter)
    return Letter.model_validate({name: fields[name] for name in Letter.model_fields})
