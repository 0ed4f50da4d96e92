"""`/activity`: what has happened, filtered by the address; and each job's events as a sequence."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from schemas import events as e
from schemas import keys
from schemas.errors import TransientError
from schemas.job import backup
from schemas.records import BackupRequest
from tests.support.console import Console
from tests.support.front import NOON, TwinBus
from workers.adapters.broker import Logged, Start
from workers.jobs import ledger


def tell(console: Console, *told: e.Event, by: str = "snapline/license.gate", after: int = 0) -> None:
    for number, data in enumerate(told):
        at = NOON + timedelta(seconds=after + number)
        console.front.bus.publish(e.wrap(data, id=f"{data.type}/{after + number}", source=by, time=at))


def begin(console: Console, name: str, app: str | None = None) -> None:
    asked = BackupRequest(name=name, request="q", event_id="e", requested_at=NOON, app=app)
    ledger.begin(console.front.store, backup(name))
    ledger.create(console.front.store, keys.request(backup(name)), asked)


class Deaf(TwinBus):
    """A broker that does not answer."""

    def log_slice(self, start: Start, most: int, until: int | None = None) -> list[Logged]:
        raise TransientError("could not read the event log: connection refused")


def test_events_are_shown_newest_first_with_what_they_say(tmp_path: Path) -> None:
    console = Console(tmp_path)
    tell(console, e.BackupLicensed(backup="shop-bcdfg"), e.BackupPlanned(backup="shop-bcdfg", objects=44, pods=1))
    page = console.get("/activity")
    assert "44 objects captured, 1 pod with volumes or scripts" in page.text
    assert page.text.index("backup.planned.v1 44") < page.text.index("backup.licensed.v1 The licenses")
    assert 'href="/activity/jobs/backup/shop-bcdfg"' in page.html
    assert "license.gate" in page.text


def test_the_address_filters(tmp_path: Path) -> None:
    console = Console(tmp_path)
    tell(console, e.BackupLicensed(backup="shop-bcdfg"), e.BackupLicensed(backup="wiki-bcdfg"))
    tell(console, e.RestorePrepared(restore="shop-bcdfg-cdfgh"), after=10)

    def about(**query: str) -> list[str]:
        html = console.get("/activity", **query).html
        return [name for name in ("shop-bcdfg<", "wiki-bcdfg<", "shop-bcdfg-cdfgh<") if f">{name}" in html]

    assert about(type="restore.*") == ["shop-bcdfg-cdfgh<"]
    assert about(app="wiki") == ["wiki-bcdfg<"]
    assert about(subject="shop-bcdfg") == ["shop-bcdfg<"]
    assert about(q="gone") == ["shop-bcdfg-cdfgh<"]
    assert about(until="2026-11-23T12:00:05") == ["shop-bcdfg<", "wiki-bcdfg<"]
    assert about(**{"from": "2026-11-23T12:00:05"}) == ["shop-bcdfg-cdfgh<"]
    assert about(type="[", q="<script>") == []
    assert "None has been told that is as you ask." in console.get("/activity", q="nothing").text


def test_a_time_that_is_none_is_said_and_nothing_is_shown(tmp_path: Path) -> None:
    page = Console(tmp_path).get("/activity", **{"from": "yesterday"})
    assert "From: 'yesterday' is no time" in page.text
    assert 'value="yesterday"' in page.html


def test_older_events_are_a_page_further(tmp_path: Path) -> None:
    console = Console(tmp_path)
    tell(console, *(e.BackupPlanned(backup=f"b-{number}", objects=number, pods=0) for number in range(120)))
    page = console.get("/activity")
    assert "119 objects captured" in page.text
    assert "69 objects captured" not in page.text
    assert "Older" in page.text
    assert "data-live" in page.html.partition("events-list")[2][:40]
    older = console.get("/activity", before="70")
    assert "69 objects captured" in older.text
    assert "70 objects captured" not in older.text
    assert "data-live" not in older.html.partition("events-list")[2][:40]
    assert console.get("/activity", before="nonsense")


def test_a_broker_that_does_not_answer_is_told_on_the_page(tmp_path: Path) -> None:
    console = Console(tmp_path, bus=Deaf())
    page = console.get("/activity")
    assert "The events could not be read could not read the event log: connection refused" in page.text
    begin(console, "shop-bcdfg", "shop")
    assert "connection refused" in console.get("/activity/jobs/backup/shop-bcdfg").text


def test_one_event_is_shown_as_it_went_over_the_wire(tmp_path: Path) -> None:
    console = Console(tmp_path)
    tell(console, e.BackupLicensed(backup="shop-bcdfg"))
    page = console.get("/activity/events/0")
    assert "&#34;backup&#34;: &#34;shop-bcdfg&#34;" in page.html
    assert console.get("/activity/events/7", 404)


def test_the_lines_are_events_as_json(tmp_path: Path) -> None:
    console = Console(tmp_path)
    tell(console, e.BackupLicensed(backup="a"), e.BackupLicensed(backup="b"))
    answer = console.browser.get("/activity/lines", params={"subject": "a"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line)["subject"] for line in answer.text.splitlines()] == ["a"]


def test_a_job_is_told_as_a_sequence_with_lanes_and_payloads(tmp_path: Path) -> None:
    console = Console(tmp_path)
    begin(console, "shop-bcdfg", "shop")
    tell(console, e.BackupLicensed(backup="shop-bcdfg"), e.BackupLicensed(backup="wiki-bcdfg"))
    copy = e.VolumesCopyRequested(backup="shop-bcdfg", node="a", pod="shop/db")
    tell(console, copy, by="snapline/manifest.capture", after=2)
    reports = [
        e.VolumesProgressed(job="shop-bcdfg", volume="v", bytes_done=done, bytes_total=9, files_done=1)
        for done in range(8)
    ]
    tell(console, *reports, by="snapline/volumes.a", after=3)
    page = console.get("/activity/jobs/backup/shop-bcdfg")
    assert "license. gate manifest. capture volumes. a" in page.text
    assert ", and 7 more" in page.text
    assert "&#34;pod&#34;: &#34;shop/db&#34;" in page.html
    assert "wiki-bcdfg" not in page.text
    assert 'data-live-of="shop-bcdfg"' in page.html


def test_of_a_job_that_the_log_has_forgotten_its_records_are_told(tmp_path: Path) -> None:
    console = Console(tmp_path)
    console.front.back_up("shop-bcdfg")
    page = console.get("/activity/jobs/backup/shop-bcdfg")
    assert "The event log has nothing of it any more." in page.text
    assert "backup of all applications and the console requested" in page.text
    assert console.get("/activity/jobs/backup/nothing", 404)
    assert console.get("/activity/jobs/sandwich/shop-bcdfg", 404)


def test_who_may_see_one_application_sees_no_event_of_another(tmp_path: Path) -> None:
    console = Console(tmp_path, who=Identity("s", "support", frozenset({"shop"})))
    begin(console, "shop-bcdfg", "shop")
    begin(console, "wiki-bcdfg", "wiki")
    begin(console, "instance-bcdfg")
    for name in ("shop", "wiki", "instance"):
        tell(console, e.BackupLicensed(backup=f"{name}-bcdfg"))
    page = console.get("/activity")
    assert "shop-bcdfg" in page.text
    assert "wiki" not in page.text
    assert "instance-bcdfg" not in page.text
    assert console.get("/activity/jobs/backup/shop-bcdfg")
    for name in ("wiki", "instance"):
        assert console.get(f"/activity/jobs/backup/{name}-bcdfg", 403)
    assert console.get("/activity/events/1", 404)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"])
def test_hostile_names_in_events_are_only_names(tmp_path: Path, name: str) -> None:
    console = Console(tmp_path)
    tell(console, e.BackupLicensed(backup=name), e.NotificationDelivered(event=name, target=name), by=name)
    for page in (console.get("/activity"), console.get("/activity", q=name), console.get("/activity/events/0")):
        assert "<script>alert" not in page.html
        assert "<img" not in page.html
