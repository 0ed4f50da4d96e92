"""One listener of the event feed serves all browsers."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.console.live import EVERYTHING, Hub, job_name
from schemas import events as e
from tests.support.front import Front


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
