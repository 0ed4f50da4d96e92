"""The page of one snapshot that has ended, was refused or deleted; in each state, with names from strangers."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.access.identity import Identity
from producers.actions import holds
from producers.console.pages import snapshot_details
from producers.views.console.timeline import POST, PRE, timeline
from producers.views.hooks import HookView
from producers.views.volumes import VolumeView, view
from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import backup
from schemas.messages import Message
from schemas.records import AppRef, Check, Copied, HookResult, Tombstone, Verified, VolumeRecord
from tests.support.console import Console
from tests.support.front import NOON, reject_backup, volume
from workers.jobs import ledger

HOSTILE = "<script>alert(1)</script>"
PLACE = "/snapshots/details/instance-a"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path)
    yield made
    made.front.session.close()


def test_facts_parts_and_volumes_are_there_with_kots_test_ids(console: Console) -> None:
    volumes = [_volume(f"data-{number}", "node-a", number, 10) for number in range(6)]
    _finished(console, volumes=volumes, objects=219, apps=[AppRef(slug="shop")], schedule="nightly")
    page = console.get(PLACE)
    assert page.test_id("snapshot-status") == "Completed"
    assert page.test_id("back-button") == "Back to Full Snapshots"
    assert page.test_id("snapshot-volume-size") == "600 bytes"
    assert re.search("on 23 Nov 2026, 12:01 UTC ?, .*, by schedule nightly", page.text)
    assert "1 application, Admin Console 219 objects" in page.text
    assert "Status: Completed. It holds shop." in page.test_id("snapshot-type-legacy-content")
    assert page.test_id("view-logs-button") == "View logs"
    assert "Show all 6 volumes" in page.test_id("snapshot-volumes-card")
    assert page.has("snapshot-volume-row-3")
    assert not page.has("snapshot-volume-row-4")
    shown = console.get(f"{PLACE}/volumes")
    assert shown.has("show-all-modal")
    assert shown.has("snapshot-volume-row-5")
    assert "Ok, got it!" in shown.text


def test_the_timeline_has_scripts_before_volumes_by_node_and_scripts_after(console: Console) -> None:
    hooks = [_hook("pre", 1, 2), _hook("post", 50, 0.1, "exit code 1")]
    _finished(console, volumes=[_volume("b", "node-b", 10, 20), _volume("a", "node-a", 5, 40)], hooks=hooks)
    page = console.get(PLACE)
    line = page.test_id("snapshot-timeline")
    order = [line.index(each) for each in (PRE, "Volumes on node-a", "Volumes on node-b", POST)]
    assert order == sorted(order)
    assert "Started 23 Nov 2026, 12:00 UTC Total capture time 1 min Finished" in line
    assert "Failed after 0.1 s" in line
    assert "style=" not in page.html


def test_scripts_show_what_they_ran_and_said(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    _finished(console, hooks=[_hook("pre", 1, 2), _hook("post", 50, 0.1, "exit code 1")])
    monkeypatch.setattr(snapshot_details, "hooks", _said("psql -c 'SELECT 1'", HOSTILE))
    page = console.get(PLACE)
    assert "Pre-snapshot scripts 1 Post-snapshot scripts 1 1 failed" in page.test_id("snapshot-scripts-card")
    assert "psql -c 'SELECT 1' Pod shop/db-0 , container db Completed in 2.0 s" in page.test_id(
        "pre-snapshot-script-row-0"
    )
    assert "Failed exit code 1, after 0.1 s" in page.test_id("post-snapshot-script-row-0")
    shown = console.get(f"{PLACE}/scripts/post/0")
    assert shown.has("snapshot-script-output-modal")
    assert "stdout 1 line" in shown.test_id("stdout-tab")
    assert shown.test_id("script-output-editor") == HOSTILE
    assert HOSTILE not in shown.html
    assert console.get(f"{PLACE}/scripts/pre").has("show-all-modal")
    console.get(f"{PLACE}/scripts/pre/1", 404)
    console.get(f"{PLACE}/scripts/never", 404)


def test_what_scripts_ran_and_said_is_not_for_support(tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("sam", "support"))
    _finished(console, hooks=[_hook("pre", 1, 2)])
    page = console.get(PLACE)
    assert "The command is not shown" in page.test_id("pre-snapshot-script-row-0")
    assert not page.has("view-output")
    console.get(f"{PLACE}/scripts/pre/0", 403)


def test_an_output_that_cannot_be_read_is_said_to_be(console: Console) -> None:
    _finished(console, hooks=[_hook("pre", 1, 2).model_copy(update={"output": "backups/instance-a/hook-outputs/x"})])
    assert "no longer in the object store" in console.get(f"{PLACE}/scripts/pre/0").text


def test_nothing_to_show_is_said_so(console: Console) -> None:
    _finished(console, volumes=[])
    page = console.get(PLACE)
    for said in (
        "No volumes to display",
        "No pre-snapshot scripts to display",
        "No post-snapshot scripts to display",
        "No errors to display",
        "No warnings to display",
    ):
        assert said in page.text


def test_errors_come_first_and_the_part_is_open(console: Console) -> None:
    errors = [Message(code=Code.HOOK_FAILED, text=f"shop/db-0: {HOSTILE}")]
    _finished(console, status="PartiallyFailed", errors=errors, warnings=[Message(code="X", text="odd")])
    page = console.get(PLACE)
    assert page.test_id("snapshot-status") == "Incomplete (Failed)"
    assert page.text.index("Errors and warnings") < page.text.index("Total size")
    assert "Errors 1 Warnings 1" in page.text
    assert f"Hook failed shop/db-0: {HOSTILE}" in page.text
    assert HOSTILE not in page.html
    assert 'data-testid="snapshot-type-legacy" id="part" open' in page.html


def test_a_failed_one_says_why_and_offers_no_restore(console: Console) -> None:
    _finished(console, status="Failed", volumes=[], reason=Message(code="X", text="the bucket did not answer"))
    page = console.get(PLACE)
    assert "There is no usable snapshot the bucket did not answer" in page.text
    assert "bytes" not in page.test_id("snapshot-volume-size")
    assert not page.has("snapshot-restore-button")
    assert page.has("snapshot-delete-button")


def test_verifications_copies_and_holds_are_facts(console: Console) -> None:
    _finished(console)
    job = backup("instance-a")
    check = Check(at=NOON, seconds=3, request="q", problems=[Message(code="X", text=f"pack {HOSTILE}")], more=2)
    ledger.put(console.front.store, keys.verified(job), Verified(checks={"full": check}))
    ledger.put(
        console.front.store,
        keys.copied(job, "nas"),
        Copied(at=NOON, scanned_bytes=1, read_bytes=1, uploaded_bytes=1000),
    )
    holds.hold(console.front.session, "instance-a", "audit")
    page = console.get(PLACE)
    assert "Last verified Failed full, just now" in page.text
    assert f"pack {HOSTILE}" in page.text
    assert "and 2 more" in page.text
    assert "Copies nas Completed 23 Nov 2026, 12:00 UTC, 1.00 kB written" in page.text
    assert "Kept until For good audit" in page.text
    assert "Let it go" in page.text
    assert HOSTILE not in page.html


def test_a_verification_is_asked_for(console: Console) -> None:
    _finished(console)
    assert console.post(f"{PLACE}/verify").location == f"{PLACE}?done=verify"
    assert isinstance(console.front.bus.published[0].data, e.BackupVerifyRequested)
    assert "Verification asked for" in console.get(f"{PLACE}?done=verify").text


def test_one_that_was_deleted_keeps_its_facts_and_offers_nothing(console: Console) -> None:
    console.front.begin("instance-a")
    ledger.put(console.front.store, keys.deleted(backup("instance-a")), Tombstone(reclaimed_bytes=1000))
    page = console.get(PLACE, 410)
    assert "Deleted" in page.test_id("snapshot-status")
    assert "Came back 1.00 kB" in page.text
    assert not page.has("snapshot-restore-button")
    ledger.put(console.front.store, keys.deleted(backup("instance-a")), Tombstone())
    assert "Deleting" in console.get(PLACE, 410).test_id("snapshot-status")
    assert console.browser.get(PLACE, headers={"X-Live": "1"}).status_code == 200


def test_a_rejected_one_says_all_reasons(console: Console) -> None:
    name = reject_backup(
        console.front,
        "e",
        Message(code=Code.LICENSE_REFUSED, text=f"no {HOSTILE}"),
        Message(code=Code.NO_BACKUP_RESOURCE, text="none"),
    )
    page = console.get(f"/snapshots/partial/nope/{name}")
    assert page.test_id("snapshot-status") == "Rejected"
    assert f"License refused no {HOSTILE}" in page.text
    assert "No backup resource none" in page.text
    assert HOSTILE not in page.html


def test_the_short_address_of_a_partial_one_leads_to_its_own(console: Console, tmp_path: Path) -> None:
    _finished(console, "shop-a", app="shop")
    console.access.who = Identity("anna", "operator", frozenset({"shop"}))
    answer = console.browser.get("/snapshots/details/shop-a")
    assert answer.headers["location"] == "/snapshots/partial/shop/shop-a"
    console.access.who = Identity("otto", "operator", frozenset({"wiki"}))
    console.get("/snapshots/details/shop-a", 403)


@pytest.mark.parametrize("place", ["", "/volumes", "/scripts/pre", "/scripts/pre/0", "/delete", "/cancel"])
def test_whose_snapshot_it_is_says_its_record_not_its_address(place: str, tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("anna", "operator", frozenset({"shop"})))
    _finished(console, "wiki-a", app="wiki", hooks=[_hook("pre", 1, 2)])
    console.front.begin("wiki-b")
    ledger.put(console.front.store, keys.deleted(backup("wiki-b")), Tombstone())
    console.get(f"/snapshots/partial/shop/wiki-a{place}", 403)
    console.get(f"/snapshots/details/wiki-a{place}", 403)
    assert console.browser.get(f"/snapshots/partial/shop/wiki-b{place}").status_code in (403, 404)


def test_bars_are_seen_however_short_and_stay_inside() -> None:
    volumes = [_view("a", 0, 0), _view("b", 3599, 1), _view("c", 0, 3600), _view("d", None, None)]
    line = timeline(NOON, NOON + timedelta(hours=1), volumes, [])
    [group] = line.groups
    short, _, late = sorted(group.bars, key=lambda bar: (bar.x, bar.width))
    assert short.width == 0.45
    assert late.x + late.width <= 100
    assert line.unplaced == 1
    assert [mark.at.minute for mark in line.marks] == [0, 15, 30, 45, 0]
    assert line.longest is not None
    assert line.longest.name == "shop/c"


def test_a_snapshot_of_no_time_at_all_has_a_timeline() -> None:
    line = timeline(NOON, NOON, [_view("a", 0, 0)], [])
    assert line.groups[0].bars[0].x + line.groups[0].bars[0].width <= 100
    assert line.marks == ()


def _finished(console: Console, name: str = "instance-a", **fields: Any) -> None:
    console.front.begin(name)
    console.front.finish(name, **fields)


def _volume(claim: str, node: str, start: float, seconds: float) -> VolumeRecord:
    began = NOON + timedelta(seconds=start)
    times = {"node": node, "began_at": began, "ended_at": began + timedelta(seconds=seconds)}
    return volume(claim, claim).model_copy(update=times)


def _view(claim: str, start: float | None, seconds: float | None) -> VolumeView:
    if start is None or seconds is None:
        return view(volume(claim, claim))
    return view(_volume(claim, "n", start, seconds))


def _hook(phase: Any, start: float, seconds: float, error: str = "") -> HookResult:
    return HookResult(
        phase=phase,
        source="annotation",
        namespace="shop",
        pod="db-0",
        container="db",
        started_at=NOON + timedelta(seconds=start),
        seconds=seconds,
        exit_code=1 if error else 0,
        error=error,
    )


def _said(command: str, stdout: str) -> Any:
    def read(_store: object, results: list[HookResult], _repository: object) -> tuple[HookView, ...]:
        return tuple(
            HookView(
                **{key: getattr(each, key) for key in ("phase", "source", "namespace", "pod", "container")},
                started_at=each.started_at,
                seconds=each.seconds,
                exit_code=each.exit_code,
                error=each.error,
                command=(command,),
                stdout=stdout,
            )
            for each in results
        )

    return read
