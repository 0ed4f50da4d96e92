"""The event log: the stream that has every event of the last days, from any point, any number of times."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pika.exceptions import AMQPError

from schemas import events as e
from schemas.errors import MalformedEvent, TransientError
from schemas.topology import EVENT_LOG
from workers.adapters.broker import connection, declaring

Since = datetime | Literal["first", "next"]
CREDIT = 200
POLL = 0.2
"""Seconds between looks at `stop` and `idle`."""
AGAIN = 1.0


@dataclass(frozen=True)
class Logged:
    """One entry. Offsets grow, with gaps."""

    offset: int
    event: e.AnyEvent


def read_log(
    url: str, *, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
) -> Iterator[Logged]:
    """The events from `since` on, in order; what is no event is passed over.

    Ends on `stop`, or when nothing has come for `idle`. Goes on after a lost connection, and after lost data.
    Raises TransientError if the broker cannot be reached at first, Denied.
    """
    position: Any = since
    reached = False
    while not stop():
        try:
            for offset, body in _read_once(url, position, stop, idle):
                reached, position = True, offset + 1
                if (event := _event(body)) and (not isinstance(since, datetime) or event.time >= since):
                    yield Logged(offset, event)
            return
        except TransientError:
            if not reached and position == since:
                raise
            time.sleep(AGAIN)
            position = position if reached else "first"


def _read_once(
    url: str, position: Any, stop: Callable[[], bool], idle: timedelta | None
) -> Iterator[tuple[int, bytes]]:
    opened = connection.connect(url)
    arrived: deque[tuple[int, bytes]] = deque()
    try:
        channel = opened.channel()
        _declare(opened)
        channel.basic_qos(prefetch_count=CREDIT)

        def on_message(ch: Any, method: Any, properties: Any, body: bytes) -> None:
            arrived.append((int(properties.headers["x-stream-offset"]), body))
            ch.basic_ack(method.delivery_tag)

        channel.basic_consume(EVENT_LOG, on_message, arguments={"x-stream-offset": position})
        quiet_since = time.monotonic()
        while not stop():
            opened.process_data_events(time_limit=POLL)
            if arrived:
                quiet_since = time.monotonic()
            while arrived:
                yield arrived.popleft()
            if idle is not None and time.monotonic() - quiet_since > idle.total_seconds():
                return
    except (AMQPError, OSError) as error:
        raise connection.meaning(url, "read the event log", error) from error
    finally:
        connection.close(opened)


def _declare(opened: Any) -> None:
    """Makes sure that there is a log; a user who may not declare relies on others for that."""
    channel = opened.channel()
    try:
        declaring.declare_all(channel)
        channel.close()
    except AMQPError as error:
        if getattr(error, "reply_code", None) != connection.ACCESS_REFUSED:
            raise


def _event(body: bytes) -> e.AnyEvent | None:
    try:
        return e.parse(body)
    except MalformedEvent:
        return None
