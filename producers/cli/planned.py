"""What a restore is about to do, told to whoever waits for it, before anything is touched."""

from collections.abc import Iterator

from producers.cli.context import where
from schemas import events as e

MANY = 50
"""Objects and reasons that an event names at most."""


def lines(planned: e.RestorePlanned, destination: str) -> Iterator[str]:
    """Sentences: what is deleted, what of it does not come back, what stays, and how to go back."""
    name = f"{planned.restore}{where(destination)}"
    describe = f"`snapline describe restore {name}`"
    replaced, objects = _count(planned.replaced, "object"), _count(planned.objects, "object")
    yield f"{planned.restore} deletes {replaced}, creates {objects} and fills {_count(planned.volumes, 'volume')}"
    if planned.newer:
        yield "deleted and not brought back, as they came after the backup:"
        yield from (f"  {each}" for each in planned.newer)
        if len(planned.newer) >= MANY:
            yield f"  and perhaps more: {describe}"
    if planned.left_alone:
        yield "left alone:"
        yield from (f"  {each}" for each in planned.left_alone)
        if len(planned.left_alone) >= MANY:
            yield f"  and perhaps more: {describe}"
    if planned.snapshot:
        yield f"what is deleted is backed up first, as {planned.snapshot}"
        yield f"`snapline restore --rollback {name}` goes back to that, once this restore has ended"
    elif planned.replaced:
        yield "no safety snapshot is taken: what is deleted is only in the backup, as it was then"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
