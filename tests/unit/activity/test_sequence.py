"""One job's events: who told whom what, read from the log within bounds."""

import json
from datetime import timedelta
from typing import Any

import pytest

from producers.views.activity.sentences import LONGEST, said
from producers.views.activity.sequence import ANYBODY, job_events, sequence
from schemas import events as e
from schemas.messages import Message
from tests.unit.activity.test_pages import NOW, SECOND, Log, planned
from workers.adapters.broker import Logged

JOB = "shop-bcdfg"


def told(offset: int, data: e.Event, by: str = "snapline/license.gate") -> Logged:
    return Logged(offset, e.wrap(data, id=f"e{offset}", source=by, time=NOW), "snapline")


def progress(done: int) -> e.VolumesProgressed:
    return e.VolumesProgressed(job=JOB, volume="shop/data", bytes_done=done, bytes_total=10, files_done=1)


STORY = [
    told(1, e.BackupRequested(app="shop"), "ci/1"),
    told(2, e.BackupLicensed(backup=JOB, app="shop")),
    told(3, e.VolumesCopyRequested(backup=JOB, node="a", pod="shop/db"), "snapline/manifest.capture"),
    told(4, progress(1), "snapline/volumes.a"),
    told(5, progress(2), "snapline/volumes.a"),
    told(6, e.VolumesCopyRequested(backup=JOB, node="a", pod="shop/db", slice=1), "snapline/volumes.a"),
    told(7, e.BackupCompleted(backup=JOB), "snapline/backup.finalize"),
]


def test_lanes_stand_in_the_order_of_the_line() -> None:
    found = sequence(STORY)
    assert found.lanes == (ANYBODY, "license.gate", "manifest.capture", "volumes.a", "backup.finalize", "notify")
    arrows = [(found.lanes[each.source], [found.lanes[to] for to in each.targets]) for each in found.steps]
    assert arrows[:2] == [(ANYBODY, ["license.gate"]), ("license.gate", ["manifest.capture"])]
    assert ("volumes.a", ["volumes.a"]) in arrows


def test_the_end_of_a_safety_snapshot_is_told_to_the_restore_that_waits_for_it() -> None:
    assert sequence([told(1, e.BackupCompleted(backup=f"{JOB}-cdfgh-before"))]).lanes[1:] == (
        "restore.prepare",
        "notify",
    )


def test_reports_of_progress_are_one_step() -> None:
    assert [each.more for each in sequence(STORY).steps] == [0, 0, 0, 1, 0, 0]


def test_a_step_has_its_event_as_it_went_over_the_wire() -> None:
    step = sequence(STORY[:1]).steps[0]
    assert json.loads(step.payload)["data"]["app"] == "shop"
    assert step.said.text == "A Partial snapshot of shop was asked for"


def test_more_steps_than_anybody_reads_are_counted() -> None:
    found = sequence([told(offset, e.TickMinute(minute=str(offset))) for offset in range(30)], most=10)
    assert (len(found.steps), found.left) == (10, 20)


def test_who_calls_itself_one_of_ours_and_is_none_has_no_lane_of_its_own() -> None:
    assert sequence([told(1, e.BackupRequested(), "snapline/made-up")]).lanes[0] == ANYBODY


def test_the_log_is_read_from_the_request_to_the_end_of_the_job() -> None:
    def make(offset: int) -> e.Event:
        if offset == 995_000:
            return e.BackupLicensed(backup=JOB)
        return e.BackupCompleted(backup=JOB) if offset == 996_000 else planned(offset)

    log = Log(1_000_000, make)
    found = job_events(log, [], NOW - 5000 * SECOND, lambda event: event.subject == JOB)
    assert [each.offset for each in found.events] == [995_000, 996_000]
    assert not found.cut
    assert log.read < 4000


def test_a_job_whose_end_is_not_found_within_the_bound_says_so() -> None:
    log = Log(100_000, planned)
    found = job_events(log, [], NOW - timedelta(days=1), lambda event: event.subject == JOB, most=3000)
    assert (found.events, found.cut) == ((), True)
    assert log.read < 4200
    assert not job_events(Log(0, planned), [], NOW, lambda _: True).events


@pytest.mark.parametrize("type_", sorted(e.KINDS))
def test_every_event_says_something(type_: str) -> None:
    """Whatever is in its fields; the text is never longer than a row can take."""
    kind = e.KINDS[type_]
    fields: dict[str, Any] = {name: _filler(type_, name) for name in kind.model_fields}
    text = said(kind.model_construct(**fields)).text
    assert 0 < len(text) <= LONGEST


NUMBERS = ("bytes", "objects", "pods", "files", "slice", "nudge", "count", "days", "errors", "warnings", "replaced")


def _filler(type_: str, name: str) -> object:
    """Something for a field by its name: long texts, where there may be any."""
    match name:
        case "reason":
            return Message(code="X", text="r" * 5000)
        case "reasons" | "problems" | "notes":
            return [Message(code="X", text="r" * 5000)] * 3
        case "newer" | "unserved":
            return ["n" * 500] * 3
        case "volumes":
            return 3 if type_.startswith("restore") else []
        case "scope":
            return "full"
    if name.endswith(("_at", "_until", "since")):
        return NOW
    return 3 if name.endswith((*NUMBERS, "seconds", "done", "total")) else "x" * 200
