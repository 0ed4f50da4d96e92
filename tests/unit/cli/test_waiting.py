"""Waiting for a job: what Ctrl-C leaves behind, and following what somebody else has begun."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.actions import follow
from producers.actions.jobs import Requested
from producers.cli.main import cli
from producers.session import Session
from producers.views.progress import JobProgress
from schemas import events as e
from schemas.errors import NotFound
from schemas.messages import Message
from schemas.records import HookResult
from tests.support.front import NOON, Front, reject_backup


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(follow, "BEAT", 0.01)
    made = Front(tmp_path)
    yield made
    made.session.close()


def _interrupted(_session: Session, requested: Requested) -> Iterator[JobProgress]:
    yield JobProgress(requested.event.id, name="shop-bcdfg", phase="copying")
    raise KeyboardInterrupt


@pytest.mark.parametrize("more", [[], ["--destination", "nas"]])
def test_ctrl_c_says_that_it_goes_on_and_how_to_follow_and_to_cancel_it(
    front: Front, more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "follow", _interrupted)
    done = CliRunner().invoke(cli, ["backup", "--wait", *more], obj=front.session)
    name = " ".join(["shop-bcdfg", *more])
    assert done.exit_code == 130
    assert "interrupted; shop-bcdfg goes on" in done.stderr
    assert f"`snapline wait {name}` follows it, `snapline cancel {name}` ends it" in done.stderr


def test_time_that_is_up_says_so_too(front: Front) -> None:
    done = CliRunner().invoke(cli, ["backup", "--wait", "--timeout", "0.05"], obj=front.session)
    assert (done.exit_code, "it goes on" in done.stderr) == (124, True)
    assert "`snapline wait instance-" in done.stderr


def test_a_job_that_somebody_else_began_is_followed_to_its_end(front: Front) -> None:
    front.begin("a")
    for event in (e.BackupPlanned(backup="a", objects=7, pods=0), e.BackupCompleted(backup="a")):
        front.bus.memory.publish(e.wrap(event, source="line", time=NOON), "snapline")
    front.finish("a", objects=7)
    done = CliRunner().invoke(cli, ["wait", "a", "-o", "json"], obj=front.session)
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "Completed")
    assert front.bus.published == []


def test_it_is_heard_while_it_goes_on(front: Front) -> None:
    front.begin("a")
    for event in (e.BackupPlanned(backup="a", objects=7, pods=0), e.BackupCompleted(backup="a")):
        front.bus.memory.publish(e.wrap(event, source="line", time=NOON), "snapline")
    seen = list(follow.follow(front.session, follow.requested_before(front.session, "a")))
    assert (seen[-1].phase, seen[-1].objects, seen[-1].name) == ("ended", 7, "a")


@pytest.mark.parametrize(
    ("status", "code"), [("Completed", 0), ("PartiallyFailed", 4), ("Failed", 1), ("Cancelled", 5)]
)
def test_the_exit_code_is_the_jobs(front: Front, status: str, code: int) -> None:
    front.finish("a", status=status)
    front.begin("a")
    assert CliRunner().invoke(cli, ["wait", "a"], obj=front.session).exit_code == code


def test_a_rejected_one_has_ended(front: Front) -> None:
    name = reject_backup(front, "mine", Message(code="No", text="there is no such application"))
    done = CliRunner().invoke(cli, ["wait", name], obj=front.session)
    assert (done.exit_code, "there is no such application" in done.stdout) == (3, True)


def test_what_is_not_there_cannot_be_waited_for(front: Front) -> None:
    assert isinstance(CliRunner().invoke(cli, ["wait", "nope"], obj=front.session).exception, NotFound)


def test_logs_are_the_events_about_it(front: Front) -> None:
    front.begin("a")
    for about in ("a", "b"):
        event = e.BackupPlanned(backup=about, objects=7, pods=0)
        front.bus.memory.publish(e.wrap(event, source="line", time=NOON), "snapline")
    done = CliRunner().invoke(cli, ["logs", "a"], obj=front.session)
    [line] = done.stdout.splitlines()
    assert "backup.planned.v1" in line


def test_later_logs_are_what_the_records_keep(front: Front) -> None:
    front.begin("a")
    hook = HookResult(
        phase="pre", source="annotation", namespace="shop", pod="db-0", container="db", started_at=NOON, seconds=2
    )
    refused = hook.model_copy(update={"phase": "post", "error": "it was not\nthere", "seconds": 3})
    lost = Message(code="FileNotCopied", text="shop/db-0, volume data: a [b]\x1b file")
    front.finish("a", status="PartiallyFailed", objects=7, hooks=[hook, refused], errors=[lost])
    done = CliRunner().invoke(cli, ["logs", "a"], obj=front.session)
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines()]
    assert [(time, level) for _, time, level, _ in lines] == [
        ("12:00:00", "info"),
        ("12:00:02", "info"),
        ("12:00:03", "error"),
        ("12:01:00", "info"),
        ("12:01:00", "error"),
        ("12:01:00", "error"),
    ]
    assert "container db: it was not there" in lines[2][3]
    assert lines[4][3] == r"shop/db-0, volume data: a [b]\x1b file (FileNotCopied)"
    assert lines[5][3].startswith("PartiallyFailed")
    assert "`snapline describe backup a`" in done.stderr
    printed = CliRunner().invoke(cli, ["logs", "a", "-o", "json"], obj=front.session).stdout.splitlines()
    assert [json.loads(line)["level"] for line in printed] == [level for _, _, level, _ in lines]


def test_later_a_rejected_one_says_why(front: Front) -> None:
    name = reject_backup(front, "mine", Message(code="No", text="there is no such application"))
    said = CliRunner().invoke(cli, ["logs", name], obj=front.session).stdout
    assert "error    there is no such application (No)" in said


def test_an_event_that_does_not_say_when_it_was_has_no_time(front: Front) -> None:
    planned = e.BackupPlanned(backup="a", objects=7, pods=0)
    timely = e.wrap(planned, id="i", source="s", time=NOON)
    body = {name: value for name, value in json.loads(e.encode(timely)).items() if name != "time"}
    for event in (e.parse(json.dumps(body).encode()), timely):
        front.bus.memory.publish(event, "snapline")
    tail = ["events", "tail", "--from", "first", "--no-follow"]
    first, second = CliRunner().invoke(cli, tail, obj=front.session).stdout.splitlines()
    assert first.startswith("no time ")
    assert second.startswith("2026-11-23 12:00:00 ")
    told = map(json.loads, CliRunner().invoke(cli, [*tail, "-o", "json"], obj=front.session).stdout.splitlines())
    assert ["time" in each for each in told] == [False, True]
