"""Schedules on the command line, also as who knows Velero or KOTS would say it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.actions import applications
from producers.cli.main import cli
from schemas import events as e
from schemas.errors import Invalid, NotFound
from tests.support.front import Front
from tests.unit.test_actions import LICENSE


@pytest.fixture
def front(tmp_path: Path) -> Front:
    front = Front(tmp_path)
    applications.register(front.session, "shop", license=LICENSE)
    return front


def run(front: Front, *words: str) -> Any:
    done = CliRunner().invoke(cli, [*words, "-o", "json"], obj=front.session, catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def requested(front: Front) -> list[e.BackupRequested]:
    return [each for each in (event.data for event in front.bus.published) if isinstance(each, e.BackupRequested)]


def test_as_with_velero(front: Front) -> None:
    made = run(front, "schedule", "create", "often", "--schedule", "@every 6h", "--ttl", "240h0m0s")
    assert (made["meaning"], made["ttl"], made["app"]) == ("Every 6 hours", "240h0m0s", None)
    assert run(front, "schedule", "describe", "often")["expression"] == "@every 6h"
    assert [row["name"] for row in run(front, "schedule", "get")] == ["often"]
    CliRunner().invoke(cli, ["schedule", "pause", "often"], obj=front.session)
    assert run(front, "schedule", "show", "often")["next_due"] is None
    assert run(front, "schedule", "unpause", "often")["next_due"]
    run(front, "backup", "create", "--from-schedule", "often")
    run(front, "backup", "--from-schedule", "often")
    assert [(asked.schedule, asked.ttl, asked.due) for asked in requested(front)] == [("often", "240h0m0s", None)] * 2
    assert CliRunner().invoke(cli, ["schedule", "delete", "often"], obj=front.session).exit_code == 0
    assert run(front, "get", "schedules") == []


@pytest.mark.parametrize(
    ("preset", "meaning"),
    [
        ("hourly", "Every hour (UTC)"),
        ("daily", "At 00:00 (UTC)"),
        ("Weekly", "At 00:00, only on Monday (UTC)"),
        ("@weekly", "At 00:00, only on Sunday (UTC)"),
        ("TZ=Europe/Berlin 30 2 ? * MON-FRI", "At 02:30, Monday through Friday (Europe/Berlin)"),
        ("CRON_TZ=Asia/Tokyo 0 2 1,15 JAN,JUL *", "At 02:00, on day 1 and 15 of the month, only in January and July"),
        ("@every 90m", "Every 90 minutes"),
        ("@every 1h", "Every hour"),
    ],
)
def test_an_expression_is_told_as_a_sentence(front: Front, preset: str, meaning: str) -> None:
    assert run(front, "schedule", "set", "x", "--cron", preset)["meaning"].startswith(meaning)


def test_there_is_one_for_everything_one_for_each_application_and_named_ones(front: Front) -> None:
    assert run(front, "schedule", "set", "--cron", "daily")["name"] == "instance"
    assert run(front, "schedule", "set", "--cron", "daily", "--app", "shop")["name"] == "shop"
    assert run(front, "schedule", "set", "more", "--cron", "hourly", "--app", "shop")["app"] == "shop"
    assert {row["name"] for row in run(front, "schedule", "list")} == {"instance", "shop", "more"}
    run(front, "schedule", "set", "instance", "--app", "shop")
    with pytest.raises(Invalid, match="give this one a name"):
        run(front, "schedule", "set", "--cron", "daily")


def test_only_what_is_given_changes_and_an_empty_text_takes_away(front: Front) -> None:
    first = ["--cron", "0 2 * * *", "--app", "shop", "--jitter", "10m", "--blackout", "22:00-02:00", "--missed", "skip"]
    run(front, "schedule", "set", "x", *first, "--time-zone", "Europe/Berlin", "--ttl", "1 month")
    changed = run(front, "schedule", "set", "x", "--jitter", "", "--blackout", "", "--cron", "TZ=UTC 0 3 * * *")
    said = [changed[key] for key in ("expression", "app", "jitter", "blackouts", "missed", "time_zone", "ttl")]
    assert said == ["0 3 * * *", "shop", None, [], "skip", "UTC", "720h"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--ttl", "720h"], "has to say when it is due"),
        (["--cron", "daily", "--ttl", "soon"], "length of time"),
        (["--cron", "daily", "--time-zone", "Mars"], "no time zone"),
        (["--cron", "TZ=UTC 0 2 * * *", "--time-zone", "Asia/Tokyo"], "the time zone is"),
        (["--cron", "daily", "--blackout", "always"], "no blackout window"),
        (["--cron", "daily", "--jitter", "-5m"], "no jitter"),
    ],
)
def test_what_makes_no_schedule_is_a_clear_error(front: Front, words: list[str], problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        run(front, "schedule", "set", "x", *words)
    assert run(front, "schedule", "list") == []


def test_a_destination_that_is_not_there_is_refused(front: Front) -> None:
    for option in ("--destination", "--copy-to"):
        with pytest.raises(NotFound):
            run(front, "schedule", "set", "x", "--cron", "daily", option, "nowhere")


def test_what_a_schedule_says_is_not_said_again_beside_it(front: Front) -> None:
    run(front, "schedule", "set", "x", "--cron", "daily")
    with pytest.raises(Invalid, match="leave out"):
        run(front, "backup", "--from-schedule", "x", "--app", "shop")


def test_the_next_five_runs_are_shown(front: Front) -> None:
    run(front, "schedule", "set", "x", "--cron", "*/10 * * * *", "--blackout", "00:00-23:50")
    coming = run(front, "schedule", "next", "x")
    assert len(coming) == 5
    assert [row["starts"][11:16] for row in coming] == ["23:50"] * 5
    assert [row["blackout"] for row in coming] == [None] * 5
