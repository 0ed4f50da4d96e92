"""Messages that lie as dead letters, and wait for somebody to look at them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from schemas import events as e
from schemas import topology
from workers.alarms.occurrences import FILLED_IN, Found
from workers.ports import QueueState

LETTERS = "dead-letters."


def found(queues: Iterable[str], states: Callable[[Sequence[str]], Mapping[str, QueueState]]) -> Iterator[Found]:
    """Those of the queues that have any; a queue of which the broker says nothing has none. All are looked at together,
    so that a tick takes no longer with many nodes."""
    places = {name: topology.queue(name).dead_letters for name in queues}
    said = states(list(places.values()))
    for name, place in places.items():
        if (lying := said.get(place)) and lying.messages:
            event = e.DeadLettersFound(queue=name, count=lying.messages, since=FILLED_IN)
            yield Found(LETTERS + name, f"queue {name}", event)
