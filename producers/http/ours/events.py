"""The event log: live as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), and what
it still has of one job."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from producers.actions.answers import believed
from producers.actions.follow import requested_before
from producers.event_feed import EventFeed, Missed
from producers.http.api.operation import Call
from producers.http.api.paging import Where, utc
from producers.http.ours.restores import concerned
from producers.http.problems import Problem
from producers.views.progress import JobProgress, concerns
from schemas import events as e
from workers.adapters.broker import Logged

PING = 15
"""Seconds after which a silent connection says that it is there."""
IDLE = timedelta(seconds=2)
"""How long the event log is waited for where nothing is to come."""
BEFORE = timedelta(seconds=2)
"""Clocks differ."""
MOST = 10_000
"""Events of one job that are told."""


class Heard(Where):
    """Which events: of types like `type` (`backup.*`), of a `job`, or of what the `request` with that id has led to;
    and before those to come what has happened `since`, as far as the server remembers."""

    type: str = Field(default="*", max_length=100)
    job: str = Field(default="", max_length=300)
    request: str = Field(default="", max_length=e.MAX_ID)
    since: datetime | None = None


@dataclass(frozen=True)
class Wish:
    """What somebody wants to hear: whatever `fits`, from `since` on, after the event with the id `last`."""

    fits: Callable[[Logged], bool]
    believes: Callable[[Logged], bool]
    since: datetime | None
    last: str


def stream_events(call: Call, query: Heard) -> Response:
    """What happens, as it happens: a stream of Server-Sent Events called `event`, each a CloudEvent with its `sender`,
    and whether that one is `believed`. One called `missed` says that some were lost: look at the lists. The id of the
    last one in `Last-Event-ID`, as browsers send it, goes on from there."""
    if query.job:
        concerned(call, query.job, query.destination)
    else:
        call.require("view")
    since, last = _resumed(call.headers.get("last-event-id", ""))
    session = call.session
    wish = Wish(_filter(query), lambda heard: believed(session, heard), since or utc(query.since), last)
    return EventSourceResponse(stream(session.events, wish), ping=PING)


def job_events(call: Call, name: str, query: Where) -> list[dict[str, Any]]:
    """What the event log still has of a backup or a restore, the oldest first, as CloudEvents: nothing once it is too
    old. Then its log has what is kept."""
    concerned(call, name, query.destination)
    session = call.session
    requested = requested_before(session, name, query.destination)
    job, begun = JobProgress(requested.event.id, name=name), min(requested.event.time, datetime.now(UTC)) - BEFORE
    found = (each for each in session.bus.read_log(begun, idle=IDLE) if concerns(job, each.event))
    return [told(each, believed(session, each)) for each, _ in zip(found, range(MOST), strict=False)]


async def stream(feed: EventFeed, wish: Wish) -> AsyncIterator[ServerSentEvent]:
    """The events that are wished for, for ever. Needs no thread of its own."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended, and the listener is about to
            loop.call_soon_threadsafe(arrived.set)

    with feed.listen(wish.since, wake) as listener:
        yield ServerSentEvent(comment="listening")
        while True:
            arrived.clear()
            while (heard := listener.get(0)) is not None:
                if isinstance(heard, Missed):
                    yield ServerSentEvent(event="missed", data="{}")
                elif wish.fits(heard) and heard.event.id != wish.last:
                    said = json.dumps(told(heard, wish.believes(heard)), ensure_ascii=False)
                    yield ServerSentEvent(event="event", data=said, id=_id(heard))
            await arrived.wait()


def told(heard: Logged, is_believed: bool) -> dict[str, Any]:
    """A CloudEvent, with who has sent it."""
    return {**json.loads(e.encode(heard.event)), "sender": heard.sender, "believed": is_believed}


def _filter(query: Heard) -> Callable[[Logged], bool]:
    job = JobProgress(query.request, name=query.job or None)
    narrow = bool(query.job or query.request)

    def fits(heard: Logged) -> bool:
        type_ = heard.event.type
        liked = fnmatchcase(type_, query.type) or fnmatchcase(type_.rpartition(".")[0], query.type)
        return liked and (not narrow or concerns(job, heard.event))

    return fits


def _id(heard: Logged) -> str:
    return f"{heard.event.time.isoformat()}/{heard.event.id}"


def _resumed(given: str) -> tuple[datetime | None, str]:
    """From when on, and after which event. Raises Problem for an id that is none of ours."""
    if not given:
        return None, ""
    time, _, id_ = given.partition("/")
    try:
        return utc(datetime.fromisoformat(time)), id_
    except ValueError as error:
        raise Problem(400, "header Last-Event-ID: this is the id of no event of this stream") from error
