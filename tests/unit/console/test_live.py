"""One listener of the event feed serves all browsers."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request

from producers.console.live import EVERYTHING, Hub, changes, job_name
from schemas import events as e
from tests.support.front import Front
from tests.support.gate import gate


def test_an_event_names_the_job_it_is_about() -> None:
    assert job_name(e.BackupLicensed(backup="b")) == "b"
    assert job_name(e.VolumesProgressed(job="r", volume="v", bytes_done=1, bytes_total=0, files_done=0)) == "r"
    assert job_name(e.TickMinute(minute="2026-11-23T12:00:00Z")) == EVERYTHING


@pytest.mark.parametrize(
    ("event", "forgotten"),
    [
        (e.BackupCompleted(backup="b"), ["what was read"]),
        (e.VolumesProgressed(job="b", volume="v", bytes_done=1, bytes_total=2, files_done=0), []),
    ],
)
def test_who_remembers_what_was_read_forgets_it_at_a_turn_before_a_browser_hears(
    event: e.Event, forgotten: list[str], tmp_path: Path
) -> None:
    said: list[object] = []

    async def hears(hub: Hub, front: Front) -> None:
        with hub.browser() as browser:
            later = datetime.now(UTC) + timedelta(hours=1)  # whenever the feed begins to read
            front.bus.publish(e.wrap(event, source="tests", time=later))
            said.append(await browser.next())

    front = Front(tmp_path)
    with front.session:
        hub = Hub(front.session.events)
        hub.before_telling(lambda: said.append("what was read"))
        asyncio.run(hears(hub, front))
        hub.close()
    assert said == [*forgotten, {"b"}]


def test_a_stream_ends_when_whoever_listens_is_signed_out(tmp_path: Path) -> None:
    made = gate(tmp_path)
    made.user()
    browser = made.signed_in()

    async def listens() -> list[str]:
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        scope = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "app": made.app}
        request = Request({**scope, "headers": [(b"cookie", cookies.encode()), (b"host", b"testserver")]})
        who = made.app.state.needs.access

        async def may_go_on() -> bool:
            return who.identity(request) is not None

        assert await may_go_on()
        hub, told = made.app.state.needs.hub, []
        async for names in changes(hub, 0.0, names=True, may_go_on=may_go_on, beat=0.01):
            told.append(names)
            browser.post("/sign-out", {})
        return told

    assert asyncio.run(listens()) == [EVERYTHING]
    made.session.close()


def test_nothing_is_told_to_whom_nothing_may_be_told_any_more(tmp_path: Path) -> None:
    front = Front(tmp_path)

    async def listens(hub: Hub) -> list[str]:
        told = []

        async def no() -> bool:
            return False

        async for names in changes(hub, 0.0, names=True, may_go_on=no, beat=60.0):
            told.append(names)
            later = datetime.now(UTC) + timedelta(hours=1)
            front.bus.publish(e.wrap(e.BackupCompleted(backup="b"), source="tests", time=later))
        return told

    with front.session:
        hub = Hub(front.session.events)
        assert asyncio.run(listens(hub)) == [EVERYTHING]
        hub.close()
