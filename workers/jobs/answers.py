"""What requests for verifications and copies were answered: the same again when one comes again, whatever has been
deleted since. Of what was refused or has failed nothing is kept: it may be tried again."""

from schemas import events as e
from schemas import keys
from schemas.records import Answer
from workers.jobs import ledger
from workers.ports import ObjectStore


def known(store: ObjectStore, request: str) -> e.Event | None:
    """The answer to the request of that identity, if it was given."""
    answer = ledger.find(store, keys.answer(request), Answer)
    return e.kind_of(answer.type).model_validate(answer.data, strict=False) if answer else None


def given(store: ObjectStore, request: str, answer: e.Event) -> e.Event:
    """Records the answer; the one that stands, this or an earlier one."""
    ledger.create(store, keys.answer(request), Answer(type=answer.type, data=answer.model_dump(mode="json")))
    return known(store, request) or answer
