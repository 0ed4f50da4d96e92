"""Messages that lie as dead letters, and wait for somebody to look at them."""

from collections.abc import Callable, Iterable, Iterator

from schemas import events as e
from schemas import topology
from workers.alarms.occurrences import FILLED_IN, Found
from workers.ports import QueueState

LETTERS = "dead-letters."


def found(queues: Iterable[str], state: Callable[[str], QueueState | None]) -> Iterator[Found]:
    """Those of the queues that have any; a queue of which the broker says nothing has none."""
    for name in queues:
        lying = state(topology.queue(name).dead_letters)
        if lying and lying.messages:
            event = e.DeadLettersFound(queue=name, count=lying.messages, since=FILLED_IN)
            yield Found(LETTERS + name, f"queue {name}", event)
