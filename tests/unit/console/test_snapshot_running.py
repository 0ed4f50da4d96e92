"""The page of a snapshot that is under way: its line, bars, what is tried again, its log; and after lost news."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.views.console import run_backup, run_restore
from producers.views.console.heard import Heard, hear
from producers.views.console.job_records import JobRecords, refreshed
from producers.views.console.running import RunningJob
from producers.views.progress import JobProgress
from schemas import events as e
from schemas import keys
from schemas.errors import TransientError
from schemas.job import Job, backup
from schemas.messages import Message
from schemas.records import (
    BackupPlan,
    CopyState,
    OwnerEnded,
    PodPlan,
    PodResult,
    Queued,
    RestorePlan,
    RestoreRequest,
    Undeployed,
    VolumePlan,
    VolumeRestore,
    VolumeResult,
)
from tests.support.console import Console, Page
from tests.support.front import NOON, request, volume
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger

HOSTILE = "<script>alert(1)</script>"
JOB = backup("instance-a")
RESTORE = Job("restore", "shop-r")
PLACE = "/snapshots/details/instance-a"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A snapshot is under way, of two pods on two nodes."""
    made = Console(tmp_path, now=datetime.now(UTC))
    made.front.begin("instance-a")
    yield made
    made.front.session.close()


def plan(console: Console) -> None:
    """It is planned: `shop/a` and `shop/b` on node-a, `wiki/c` on node-b."""
    pods = [_pod("wiki", "node-b", "c"), _pod("shop", "node-a", "a", "b")]
    ledger.put(console.front.store, keys.plan(JOB), BackupPlan(manifest="m", objects=219, pods=pods))


def test_before_the_plan_the_line_says_where_it_is(console: Console) -> None:
    page = console.get(PLACE)
    assert page.test_id("snapshot-status") == "In Progress"
    assert "Capturing objects This page follows live" in page.text
    assert "License : done" in page.text
    assert "Objects : in progress manifest.capture" in page.text
    assert "Which volumes it has is not known yet" in page.text
    assert "Cancel snapshot" in page.text


def test_volumes_have_bars_by_node_and_never_change_place(console: Console) -> None:
    plan(console)
    page = console.get(PLACE)
    assert "219 captured" in page.text
    rows = [page.test_id(f"snapshot-volume-row-{number}") for number in range(3)]
    assert [row.split()[0] for row in rows] == ["shop/a", "shop/b", "wiki/c"]
    assert all("Waiting" in row and "0 %" in row for row in rows)
    _copied(console, "wiki", "c")
    again = [_until(console, "1 completed").test_id(f"snapshot-volume-row-{number}") for number in range(3)]
    assert [row.split()[0] for row in again] == ["shop/a", "shop/b", "wiki/c"]
    assert "Completed" in again[2]
    assert "100 %" in again[2]
    assert "node-b 1 of 1 volume" in console.get(PLACE).text


def test_what_is_heard_moves_the_bars(console: Console) -> None:
    plan(console)
    console.get(PLACE)
    for at, done in ((-4, 10), (-2, 30), (0, 50)):
        _progress(console, done * 1000, 100_000, at)
    page = _until(console, "50 %")
    row = _tidy(page.test_id("snapshot-volume-row-0"))
    assert row.startswith("shop/a In Progress")
    assert row.endswith("50 % 50.0 kB of 100 kB 10.0 kB/s 5 s")
    listed = console.get("/snapshots").test_id("snapshot-row-0")
    assert "In Progress Copying volumes" in listed


def test_events_are_lines_of_its_log_and_strangers_write_none(console: Console) -> None:
    console.get(PLACE)
    _tell(console, e.BackupPlanned(backup="instance-a", objects=219, pods=2), 0)
    why = Message(code="X", text="a\nb")
    _tell(console, e.VolumesCopyFailed(backup="instance-a", pod=f"shop/{HOSTILE}", reason=why), 0)
    page = _until(console, "volumes.copy_failed")
    assert 'level=info msg="backup.planned" objects=219 pods=2' in page.text
    assert 'level=warning msg="volumes.copy_failed"' in page.text
    assert r'reason="a\nb"' in page.text
    assert HOSTILE not in page.html
    console.front.bus.memory.publish(_event(console, e.BackupFailed(backup="instance-a"), 0), user="mallory")
    sizes = {"scanned_bytes": 0, "changed_bytes": 0, "uploaded_bytes": 0, "files": 0}
    _tell(console, e.VolumesCopied.model_validate({"backup": "instance-a", "pod": "p", **sizes}), 0)
    assert "backup.failed" not in _until(console, "volumes.copied").text


def test_one_that_waits_says_why_and_behind_whom(console: Console) -> None:
    ledger.create(console.front.store, keys.queued(JOB), Queued(since=NOON, behind="restore shop-r"))
    page = console.get(PLACE)
    assert page.test_id("snapshot-status") == "Queued"
    assert "Waiting behind shop-r" in page.text
    assert "shop-r claims what this needs, and it waits since 12:00:00 UTC" in page.text
    assert 'href="/restores/shop-r"' in page.html
    assert "Objects : waiting" in page.text


def test_what_is_tried_again_says_what_why_and_when(console: Console) -> None:
    plan(console)
    why = Message(code="Transient", text=f"the bucket answered 503 {HOSTILE}", subject="wiki/p-wiki")
    ledger.rest(console.front.store, JOB, timedelta(minutes=5), why)
    page = console.get(PLACE)
    assert f"wiki/p-wiki has stopped the bucket answered 503 {HOSTILE}. It is tried again at" in page.text
    assert "wiki/c Retrying" in page.test_id("snapshot-volume-row-2")
    assert HOSTILE not in page.html
    console.now += timedelta(minutes=10)
    assert "has stopped" not in _until(console, "wiki/c Waiting").text


def test_a_queue_that_nobody_serves_is_named(console: Console) -> None:
    console.get(PLACE)
    _tell(console, e.BackupStalled(backup="instance-a", nudge=2, unserved=["volumes.node-a"]), 0)
    assert "Nobody serves volumes.node-a" in _until(console, "Nobody serves").text


def test_after_lost_news_its_records_fill_the_bars_and_the_time_of_the_last_news_is_told(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(console)
    console.get(PLACE)
    _progress(console, 50, 100)
    _until(console, "50 %")
    monkeypatch.setattr(type(console.front.session.events), "lost_since", property(lambda _: NOON))
    _copied(console, "wiki", "c")
    page = _until(console, "The connection to the bus is lost since 12:00:00")
    assert "The last news is of" in page.text
    assert "50 %" in page.test_id("snapshot-volume-row-0")
    assert "100 %" in _until(console, "1 completed").test_id("snapshot-volume-row-2")


def test_where_the_store_is_away_the_page_stays_and_says_so(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(console)
    console.get(PLACE)

    def away(_: str) -> None:
        raise TransientError(f"the store is away {HOSTILE}")

    monkeypatch.setattr(console.front.objects, "list", away)
    page = _until(console, "What is shown may be old")
    assert f"the store is away {HOSTILE}" in page.text
    assert HOSTILE not in page.html
    assert page.has("snapshot-volume-row-2")


def test_when_it_ends_the_same_address_shows_how(console: Console) -> None:
    plan(console)
    console.get(PLACE)
    console.front.finish("instance-a")
    page = console.get(PLACE)
    assert page.test_id("snapshot-status") == "Completed"
    assert page.has("snapshot-timeline")


def test_a_running_snapshot_that_is_cancelled_says_so_and_cannot_be_again(console: Console) -> None:
    console.post(f"{PLACE}/cancel")
    page = _until(console, "Cancelling")
    assert "Cancel snapshot" not in page.text


def test_the_log_of_one_that_has_ended_is_shown_and_downloaded(console: Console) -> None:
    console.front.finish("instance-a", warnings=[Message(code="X", text=f"odd {HOSTILE}")])
    page = console.get(f"{PLACE}/logs")
    assert "The event log has nothing of it; this is what its records keep" in page.test_id("snapshot-logs-modal")
    assert f'level=warning msg="odd {HOSTILE} (X)"' in page.text
    assert HOSTILE not in page.html
    _tell(console, e.BackupCompleted(backup="instance-a"), 0)
    answer = console.browser.get(f"{PLACE}/logs.txt")
    assert 'level=info msg="backup.completed"' in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"] == 'attachment; filename="instance-a.log"'


def test_the_steps_of_a_restore_follow_its_records() -> None:
    store = MemoryObjectStore()
    asked = RestoreRequest(name="shop-r", request="q", event_id="e", requested_at=NOON, backup="b", scope="full")

    def now() -> RunningJob:
        made = run_restore.restore(refreshed(store, JobRecords(RESTORE)), Heard(JobProgress("e", "shop-r")), NOON, True)
        assert made is not None
        return made

    def states() -> list[str]:
        return [step.state for step in now().steps]

    ledger.put(store, keys.request(RESTORE), asked)
    names = ["License", "Safety snapshot", "Delete", "Objects", "Volumes", "Pods ready"]
    assert [step.name for step in now().steps] == names
    assert states() == ["done", "running", "ahead", "ahead", "ahead", "ahead"]
    volumes = [
        VolumeRestore(
            kind="claim", namespace="shop", pod="p", name=each, claim=each, helper="h", volume_id=each, bytes=100
        )
        for each in ("a", "b")
    ]
    planned = RestorePlan(backup="b", manifest="m", objects=44, volumes=volumes, owners=["shop"])
    ledger.put(store, keys.plan(RESTORE), planned.model_copy(update={"snapshot": "shop-r-before"}))
    assert states() == ["done", "done", "running", "ahead", "ahead", "ahead"]
    ledger.put(store, keys.undeployed(RESTORE, "shop"), Undeployed(finished_at=NOON))
    assert states() == ["done", "done", "done", "running", "ahead", "ahead"]
    ledger.put(store, keys.volume_result(RESTORE, "shop/a"), VolumeResult(volume="shop/a", bytes=100, finished_at=NOON))
    assert states() == ["done", "done", "done", "done", "running", "ahead"]
    assert (now().bytes_done, now().bytes_total, now().percent) == (100, 200, 50)
    ledger.put(store, keys.owner_ended(RESTORE, "shop"), OwnerEnded(finished_at=NOON))
    assert states() == ["done", "done", "done", "done", "done", "running"]


def test_a_restore_shows_its_line_what_is_tried_again_and_its_log(console: Console) -> None:
    store = console.front.store
    asked = RestoreRequest(name="shop-r", request="q", event_id="e", requested_at=NOON, backup="b", scope="full")
    ledger.begin(store, RESTORE)
    ledger.create(store, keys.request(RESTORE), asked)
    why = Message(code="Transient", text=f"the API server is away {HOSTILE}")
    ledger.rest(store, RESTORE, timedelta(minutes=5), why)
    page = console.get("/restores/shop-r")
    assert "Safety snapshot : in progress planning" in page.text
    assert f"A step has failed for now the API server is away {HOSTILE}. It is tried again at" in page.text
    assert 'level=info msg="restore of all applications and the console requested, from b (full)"' in page.text
    assert HOSTILE not in page.html


def test_a_volume_of_which_the_first_news_come_late_is_no_leap_of_the_pace() -> None:
    heard = Heard(JobProgress("e", "instance-a"))
    for second, done in ((0, 900_000), (2, 900_200), (4, 900_400)):
        said = e.VolumesProgressed(job="instance-a", volume="shop/a", bytes_done=done, bytes_total=10**6, files_done=1)
        heard = hear(heard, e.wrap(said, source="tests", time=NOON + timedelta(seconds=second)))
    store = MemoryObjectStore()
    ledger.put(store, keys.request(JOB), request("instance-a"))
    ledger.put(store, keys.plan(JOB), BackupPlan(manifest="m", objects=1, pods=[_pod("shop", "n", "a")]))
    made = run_backup.backup(refreshed(store, JobRecords(JOB)), heard, NOON + timedelta(seconds=4))
    assert made is not None
    assert made.rate == 100
    assert made.left == timedelta(seconds=996)
    later = run_backup.backup(refreshed(store, JobRecords(JOB)), heard, NOON + timedelta(minutes=1))
    assert later is not None
    assert later.rate is None


def test_records_that_have_not_changed_are_not_read_again() -> None:
    store = _Counting()
    ledger.put(store, keys.plan(JOB), BackupPlan(manifest="m", objects=1, pods=[_pod("shop", "n", "a")]))
    ledger.put(store, keys.slices(JOB, "shop/p-shop"), CopyState())
    ledger.begin(store, JOB)
    known = refreshed(store, JobRecords(JOB))
    assert sorted(store.gets) == sorted([keys.plan(JOB), keys.slices(JOB, "shop/p-shop"), keys.running(JOB)])
    store.gets.clear()
    ledger.put(store, keys.slices(JOB, "shop/p-shop"), CopyState(slice=1))
    again = refreshed(store, known)
    assert store.gets == [keys.slices(JOB, "shop/p-shop")]
    assert [state.slice for state in again.all("slices/", CopyState)] == [1]


class _Counting(MemoryObjectStore):
    def __init__(self) -> None:
        super().__init__()
        self.gets: list[str] = []

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self.gets.append(key)
        return super().get(key, start, length)


def _pod(namespace: str, node: str, *claims: str) -> PodPlan:
    volumes = [VolumePlan(name=each, kind="claim", directory=each, claim=each, claim_uid=each) for each in claims]
    return PodPlan(namespace=namespace, name=f"p-{namespace}", uid=namespace, node=node, volumes=volumes)


def _copied(console: Console, namespace: str, claim: str) -> None:
    copied = volume(claim, claim, namespace)
    result = PodResult(pod=f"{namespace}/p-{namespace}", volumes=[copied], finished_at=NOON)
    ledger.put(console.front.store, keys.pod_result(JOB, f"{namespace}/p-{namespace}"), result)


def _event(console: Console, said: e.Event, seconds: float) -> e.AnyEvent:
    event = e.wrap(said, source="tests", time=console.now + timedelta(seconds=seconds))
    return event.model_copy(update={"correlationid": "e"})


def _tell(console: Console, said: e.Event, seconds: float) -> None:
    console.front.bus.publish(_event(console, said, seconds))


def _until(console: Console, text: str) -> Page:
    """The page, once it says so: the event feed is read by a thread, and what was put together counts for a while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page = console.get(PLACE)
        if text in page.text:
            return page
        time.sleep(0.02)
    raise AssertionError(f"the page does not say {text!r}: {page.text}")


def _progress(console: Console, done: int, total: int, seconds: float = 0) -> None:
    said = e.VolumesProgressed(job="instance-a", volume="shop/a", bytes_done=done, bytes_total=total, files_done=1)
    _tell(console, said, seconds)


def _tidy(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())
