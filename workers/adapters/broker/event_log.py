"""The event log: the stream that has every event of the last days, from any point, any number of times."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pika.exceptions import AMQPError

from schemas import events as e
from schemas.errors import MalformedEvent, TransientError
from schemas.topology import EVENT_LOG
from workers.adapters.broker import connection, declaring
from workers.adapters.broker.reading import SENDER

Since = datetime | Literal["first", "next"]
Start = Since | Literal["last"] | int
"""Where a reader attaches: also at the last entries, or at an offset."""
CREDIT = 200
POLL = 0.2
"""Seconds between looks at `stop` and `idle`."""
AGAIN = 1.0
SILENCE = 5.0
"""Seconds after which an entry that we have read before, and asked for again, is taken for lost."""


@dataclass(frozen=True)
class Logged:
    """One entry. Offsets grow, with gaps; they begin anew if the broker has lost its data. The broker vouches for
    `sender`, and for nobody if it is empty; whose a request was, says who has taken it up."""

    offset: int
    event: e.AnyEvent
    sender: str = ""


Entry = tuple[int, bytes, str, str]
"""Offset, body, who has put it there, and whose request that is."""


@dataclass
class LogPosition:
    """How far a reader has come, and whether the log is still the one that it was reading.

    After a lost connection it asks for its last entry again: what follows it is new, and if it is not
    there any more, the broker has lost its data and everything in the log is new.
    """

    since: Start
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: Entry | None = None
    connected: bool = False
    checking: bool = False
    _asked_at: float = 0.0

    def ask(self) -> Any:
        """The `x-stream-offset` to attach at."""
        self._asked_at, self.checking = time.monotonic(), self.last is not None
        if self.last is not None:
            return self.last[0]
        if self.connected and self.since == "next":
            self.since = self.began  # what came while the connection was lost is also next
        return self.since

    def passes(self, entry: Entry) -> bool:
        """Whether `entry` is new to the reader. Raises Lost if the log is another one."""
        if self.checking and self.last is not None:
            self.checking = False
            if entry == self.last:
                return False
            if entry[0] <= self.last[0]:
                raise Lost
        self.last = entry
        return True

    def quiet(self) -> None:
        """Nothing has come for a moment. Raises Lost if the last entry should have."""
        if self.checking and time.monotonic() - self._asked_at > SILENCE:
            raise Lost

    def start_over(self) -> None:
        """Everything that is there now came after the loss."""
        self.last, self.since = None, "first"

    def wanted(self, event: e.AnyEvent) -> bool:
        """Whether `event` is not older than was asked for: RabbitMQ finds times only by the chunk."""
        return not isinstance(self.since, datetime) or event.time >= self.since


class Lost(Exception):
    """The log that was being read is gone."""


def read_log(
    url: str, *, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
) -> Iterator[Logged]:
    """The events from `since` on, in order; what is no event is passed over.

    Ends on `stop`, or when nothing has come for `idle`. Goes on after a lost connection, and after lost data.
    Raises TransientError if the broker cannot be reached at first, Denied.
    """
    position = LogPosition(since)
    while not stop():
        try:
            for offset, body, user, asking in _new_entries(url, position, stop, idle):
                if (logged := logged_of((offset, body, user, asking))) and position.wanted(logged.event):
                    yield logged
            return
        except Lost:
            position.start_over()
        except TransientError:
            if not position.connected:
                raise
            time.sleep(AGAIN)


def _new_entries(url: str, position: LogPosition, stop: Callable[[], bool], idle: timedelta | None) -> Iterator[Entry]:
    quiet_since = time.monotonic()
    for entry in entries(url, position, stop):
        if entry is not None:
            quiet_since = time.monotonic()
            if position.passes(entry):
                yield entry
            continue
        position.quiet()
        if idle is not None and time.monotonic() - quiet_since > idle.total_seconds() and not position.checking:
            return


def entries(url: str, position: LogPosition, stop: Callable[[], bool]) -> Iterator[Entry | None]:
    """All entries from the place on, over one connection; None now and then while nothing comes."""
    opened = connection.connect(url)
    arrived: deque[Entry] = deque()

    def on_message(ch: Any, method: Any, properties: Any, body: bytes) -> None:
        headers = properties.headers
        arrived.append((int(headers["x-stream-offset"]), body, properties.user_id or "", str(headers.get(SENDER, ""))))
        ch.basic_ack(method.delivery_tag)

    try:
        if not connection.is_there(opened.channel(), lambda asked: asked.queue_declare(EVENT_LOG, passive=True)):
            declaring.declare_if_allowed(url)
        channel = opened.channel()
        channel.basic_qos(prefetch_count=CREDIT)
        channel.basic_consume(EVENT_LOG, on_message, arguments={"x-stream-offset": position.ask()})
        position.connected = True
        while not stop():
            opened.process_data_events(time_limit=POLL)
            if not channel.is_open or not channel.consumer_tags:
                raise TransientError(f"the event log is gone ({connection.where(url)}); it will be declared again")
            if not arrived:
                yield None
            while arrived:
                yield arrived.popleft()
    except (AMQPError, OSError) as error:
        raise connection.meaning(url, "read the event log", error) from error
    finally:
        connection.close(opened)


def logged_of(entry: Entry) -> Logged | None:
    """The entry with its event; None for what is none."""
    offset, body, user, asking = entry
    try:
        event = e.parse(body)
    except MalformedEvent:
        return None
    return Logged(offset, event, asking or user if event.type in e.REQUESTS else user)
