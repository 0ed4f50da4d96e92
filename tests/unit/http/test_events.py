"""The event stream: who listens hears what happens, goes on where it was, and is told what it has missed."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sse_starlette import ServerSentEvent

from producers.event_feed import EventFeed
from producers.http.ours.events import Heard, Wish, _filter, stream
from schemas import events as e
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON
from workers.adapters.broker import Logged

NAME, OTHER = "instance-bcdfg", "instance-cdfgh"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.front.begin(NAME)
        made.front.begin("wiki-bcdfg")
        yield made


def event(number: int, name: str = NAME) -> e.AnyEvent:
    """One of a backup."""
    time = NOON + timedelta(seconds=number)
    return e.wrap(e.BackupPlanned(backup=name, objects=number, pods=0), id=f"e{number}", source="t", time=time)


def hear(feed: EventFeed, wish: Wish, most: int) -> list[ServerSentEvent]:
    """The first so many of a stream, the comment at its beginning left out."""

    async def listen() -> list[ServerSentEvent]:
        found = []
        async for each in stream(feed, wish):
            if each.event:
                found.append(each)
            if len(found) == most:
                break
        return found

    return asyncio.run(asyncio.wait_for(listen(), 120))


def said_in(heard: ServerSentEvent) -> dict[str, Any]:
    """The event."""
    found: dict[str, Any] = json.loads(str(heard.data))
    return found


def feed_of(site: Site) -> EventFeed:
    return site.front.session.events


def wish(since: datetime | None = NOON, last: str = "", **query: Any) -> Wish:
    return Wish(_filter(Heard(**query)), lambda _: True, since, last)


def test_what_happens_is_told_with_its_sender_and_an_id_to_go_on_from(site: Site) -> None:
    for number in (1, 2):
        site.front.bus.publish(event(number))
    first, second = hear(feed_of(site), wish(), 2)
    said = said_in(first)
    assert (first.event, said["data"]["objects"], said["sender"], said["believed"]) == ("event", 1, "snapline", True)
    assert said["type"] == "backup.planned.v1"
    time, _, id_ = (second.id or "").partition("/")
    assert (datetime.fromisoformat(time), id_) == (NOON + timedelta(seconds=2), "e2")


def test_a_stream_goes_on_after_the_last_that_was_heard(site: Site) -> None:
    for number in (1, 2, 3):
        site.front.bus.publish(event(number))
    [heard] = hear(feed_of(site), wish(NOON + timedelta(seconds=2), "e2"), 1)
    assert said_in(heard)["id"] == "e3"


def test_only_what_was_asked_for_is_told(site: Site) -> None:
    site.front.bus.publish(event(1, OTHER))
    site.front.bus.publish(
        e.wrap(e.TickMinute(minute="2026-11-23T12:00Z"), id="t", source="t", time=NOON + timedelta(seconds=2))
    )
    site.front.bus.publish(event(3))
    for type_ in ("*", "backup.*"):
        [heard] = hear(feed_of(site), wish(job=NAME, type=type_), 1)
        assert said_in(heard)["id"] == "e3"
    [heard] = hear(feed_of(site), wish(type="tick.*"), 1)
    assert said_in(heard)["type"] == "tick.minute.v1"


def test_who_is_too_far_behind_is_told_so() -> None:
    def read(*_: object) -> Iterator[Logged]:
        yield Logged(1, event(1), "snapline")

    feed = EventFeed(read, clock=lambda: NOON)
    with feed.listen(NOON):
        missed, *_ = hear(feed, wish(NOON - timedelta(hours=1)), 1)
    feed.close()
    assert missed.event == "missed"


def test_any_number_listen_to_one_feed(site: Site) -> None:
    site.front.bus.publish(event(1))

    async def all_of_them() -> list[int]:
        async def one() -> int:
            async for each in stream(feed_of(site), wish()):
                if each.event:
                    return len(feed_of(site)._listeners)
            return 0

        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(50))), 120)

    assert max(asyncio.run(all_of_them())) == 50
    assert feed_of(site)._listeners == []


def test_a_stream_is_for_those_who_may_see_all_or_for_one_job(site: Site) -> None:
    site.refused("GET", "/api/v1/events", 403, "shop-only")
    site.refused("GET", f"/api/v1/events?job={NAME}", 403, "shop-only")
    site.refused("GET", "/api/v1/events?request=e1", 403, "shop-only")
    site.refused("GET", "/api/v1/events?job=instance-zzzzz", 404)
    for path, given in (("?since=then", {}), ("?limit=1", {}), ("", {"Last-Event-ID": "yesterday"})):
        site.refused("GET", f"/api/v1/events{path}", 400, headers=given)


def test_what_the_log_still_has_of_a_job_is_listed(site: Site) -> None:
    now = datetime.now(UTC)
    for name in (NAME, OTHER):
        made = e.BackupPlanned(backup=name, objects=1, pods=0)
        site.front.bus.publish(e.wrap(made, id=name, source="t", time=now))
    [told] = site.said("GET", f"/api/v1/jobs/{NAME}/events")
    assert (told["id"], told["sender"], told["believed"]) == (NAME, "snapline", True)


def test_the_route_streams_until_the_listener_leaves(site: Site) -> None:
    site.front.bus.publish(event(1))
    sent: list[dict[str, Any]] = []
    heard = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await heard.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if b"backup.planned.v1" in message.get("body", b""):
            heard.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/api/v1/events",
        "raw_path": b"/api/v1/events",
        "query_string": b"since=2026-11-23T12:00:00Z",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(b"authorization", b"Bearer support")],
    }
    asyncio.run(asyncio.wait_for(site.app(scope, receive, send), 120))
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], headers[b"content-type"][:17]) == (200, b"text/event-stream")
    assert feed_of(site)._listeners == []
