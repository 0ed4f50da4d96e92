"""Lists of jobs: the newest first, some of many, as they change."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.cli.commands.get import changes
from producers.cli.main import cli
from producers.cli.moments import moment
from schemas.errors import Invalid
from tests.support.front import NOON, Front


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """Three backups, each an hour after the one before."""
    made = Front(tmp_path)
    backups: dict[str, dict[str, object]] = {
        "z-first": {"app": "shop", "status": "PartiallyFailed"},
        "a-second": {"apps": [{"slug": "shop"}, {"slug": "blog"}], "schedule": "nightly"},
        "m-third": {"app": "blog"},
    }
    for hour, (name, fields) in enumerate(backups.items()):
        began = NOON + timedelta(hours=hour)
        made.finish(name, requested_at=began, completed_at=began + timedelta(seconds=61), **fields)
    return made


def _names(front: Front, *options: str) -> list[str]:
    done = CliRunner().invoke(cli, ["get", "backups", "-o", "name", *options], obj=front.session)
    assert done.exit_code == 0, done.exception
    return done.stdout.split()


def test_the_newest_comes_first(front: Front) -> None:
    assert _names(front) == ["m-third", "a-second", "z-first"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--app", "shop"], ["a-second", "z-first"]),
        (["--app", "blog"], ["m-third", "a-second"]),
        (["--status", "partiallyfailed"], ["z-first"]),
        (["--schedule", "nightly"], ["a-second"]),
        (["--since", "2026-11-23T13:00Z"], ["m-third", "a-second"]),
        (["--since", "2026-11-23T15:00+02:00", "--app", "blog", "--status", "Completed"], ["m-third", "a-second"]),
        (["--app", "nope"], []),
    ],
)
def test_some_of_many(front: Front, options: list[str], names: list[str]) -> None:
    assert _names(front, *options) == names


def test_a_status_that_there_is_not_is_refused(front: Front) -> None:
    done = CliRunner().invoke(cli, ["get", "backups", "--status", "Green"], obj=front.session)
    assert isinstance(done.exception, Invalid)
    assert "PartiallyFailed" in str(done.exception)


def test_moments_as_people_type_them() -> None:
    assert moment("90m", NOON) == NOON - timedelta(minutes=90)
    assert moment("1w", NOON) == NOON - timedelta(days=7)
    assert moment("2026-11-23", NOON) == datetime(2026, 11, 23, tzinfo=UTC)
    for wrong in ("yesterday", "", "3 days", "-1h", "999999w", "1e9d", "\ud800"):
        with pytest.raises(Invalid):
            moment(wrong, NOON)


def test_schedules_and_durations_have_columns(front: Front) -> None:
    said = CliRunner().invoke(cli, ["get", "backups"], obj=front.session).stdout
    assert "schedule" in said.splitlines()[0]
    assert "1m1s" in said
    wide = CliRunner().invoke(cli, ["get", "backups", "-o", "wide"], obj=front.session).stdout
    assert "uploaded bytes" in wide.splitlines()[0]


def test_what_changes_is_told_and_nothing_else() -> None:
    lists: Iterator[list[dict[str, object]]] = iter(
        [
            [{"name": "a", "status": "InProgress"}, {"name": "b", "status": "Completed"}],
            [{"name": "a", "status": "InProgress"}, {"name": "b", "status": "Completed"}],
            [{"name": "a", "status": "Completed"}],
        ]
    )
    first = next(lists)
    told = next(changes(first, lambda: next(lists), lambda: None))
    assert told == [{"name": "b", "status": "Deleted"}, {"name": "a", "status": "Completed"}]


def test_programs_get_all_fields(front: Front) -> None:
    done = CliRunner().invoke(cli, ["get", "backups", "-o", "json"], obj=front.session)
    assert [row["duration_seconds"] for row in json.loads(done.stdout)] == [61, 61, 61]
