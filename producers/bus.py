"""The bus as producers use it: what fronts may ask of RabbitMQ. It does not know what events mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Protocol

from schemas import events as e
from schemas.job import Job
from schemas.rights import Rights
from schemas.signing import HEADER
from workers.adapters import broker
from workers.adapters.broker import DeadLetter, Logged, Since, Start


class Bus(Protocol):
    """Every method raises TransientError where trying again may help, and Denied."""

    def publish(self, event: e.AnyEvent, signature: str | None = None) -> None:
        """Puts an event on the bus, with its sender's `signature` (schemas/signing.py). After an error it may or may
        not be there."""
        ...

    def broadcast_cancel(self, job: Job) -> None:
        """Tells every worker that is listening."""
        ...

    def listeners(self, queue: str) -> int:
        """How many workers a queue has; 0 if there is no such queue."""
        ...

    def read_log(
        self, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
    ) -> Iterator[Logged]:
        """The event log from `since` on, over a connection of its own and at the reader's pace. Ends on `stop`, or
        when nothing has come for `idle`."""
        ...

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        """At most `most` entries of the event log from `start` on, up to the offset `until`; nothing else is read. From
        `last` on, those that came together with the newest."""
        ...

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """All, or those of one queue. Raises Invalid for a name that no queue can have."""
        ...

    def count_dead_letters(self, queues: Sequence[str]) -> int:
        """How many lie behind these queues; none of them is read. A queue that is not there has none."""
        ...

    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int:
        """Gives dead letters back to their queue, all or those in `ids`; how many. Those in `bodies` go back with
        another body."""
        ...

    def drop(self, queue: str, ids: set[str] | None = None) -> int:
        """Throws dead letters away, all or those in `ids`; how many."""
        ...

    def close(self) -> None:
        """Lets go of the broker; the next publish connects again."""
        ...


class RabbitMQ:
    """The protocol `Bus`. Connects when first asked. Publishing keeps its connection; all else has its own."""

    def __init__(
        self,
        url: str,
        source: str,
        rights: Rights | None = None,
        around: Callable[[e.AnyEvent], AbstractContextManager[e.AnyEvent]] = nullcontext,
    ) -> None:
        """`rights` say which users' word counts for who has sent a dead letter; without them our own user's. `around`
        goes on around the publishing of each event: see `broker.Publisher`."""
        self._url, self._rights = url, rights
        self._publisher = broker.Publisher(url, source, around=around)

    def publish(self, event: e.AnyEvent, signature: str | None = None) -> None:
        """See `Bus`."""
        self._publisher.publish(event, {HEADER: signature} if signature else {})

    def broadcast_cancel(self, job: Job) -> None:
        """See `Bus`."""
        broker.broadcast_cancel(self._url, job)

    def listeners(self, queue: str) -> int:
        """See `Bus`."""
        return broker.queue_state(self._url, queue).consumers

    def read_log(
        self, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
    ) -> Iterator[Logged]:
        """See `Bus`."""
        return broker.read_log(self._url, since=since, stop=stop, idle=idle)

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        """See `Bus`."""
        return broker.read_slice(self._url, start, most, until)

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """See `Bus`."""
        return broker.list_dead_letters(self._url, queue, rights=self._rights)

    def count_dead_letters(self, queues: Sequence[str]) -> int:
        """See `Bus`."""
        return broker.count_dead_letters(self._url, queues)

    def redrive(self, queue: str, ids: set[str] | None = None, bodies: Mapping[str, bytes] | None = None) -> int:
        """See `Bus`."""
        return broker.redrive(self._url, queue, ids, self._rights, bodies)

    def drop(self, queue: str, ids: set[str] | None = None) -> int:
        """See `Bus`."""
        return broker.drop(self._url, queue, ids)

    def close(self) -> None:
        """See `Bus`."""
        self._publisher.close()
