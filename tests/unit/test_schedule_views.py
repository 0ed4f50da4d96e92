"""What is shown of schedules: the next runs, and what became of past ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers import scheduler
from producers.views import schedules as views
from schemas import events as e
from schemas import keys
from schemas import schedule as schedules
from schemas.errors import TransientError
from schemas.job import backup
from schemas.records import Tombstone
from schemas.schedule import Schedule
from tests.support.front import Front
from tests.support.world import World
from workers.jobs import ledger
from workers.steps import license_gate

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHTLY = Schedule(name="nightly", expression="0 2 * * *", time_zone="Europe/Berlin")


def starts(schedule: Schedule, now: datetime = NOON) -> list[str]:
    return [f"{run.due:%H:%M}>{run.starts:%d %H:%M}" for run in views.next_runs(schedule, now)]


def test_the_next_five_runs() -> None:
    assert starts(NIGHTLY) == [f"01:00>{day} 01:00" for day in ("27", "28", "29", "30", "01")]


def test_a_paused_schedule_has_no_next_runs() -> None:
    assert starts(NIGHTLY.model_copy(update={"paused": True})) == []


def test_of_runs_in_a_blackout_the_last_is_shown_with_when_it_begins() -> None:
    schedule = Schedule(name="x", expression="15 * * * *", blackouts=("10:00-15:00",))
    assert starts(schedule) == [
        "14:15>26 15:00",
        "15:15>26 15:15",
        "16:15>26 16:15",
        "17:15>26 17:15",
        "18:15>26 18:15",
    ]


def test_a_run_that_is_due_and_has_not_begun_is_a_next_one() -> None:
    schedule = Schedule(name="x", expression="0 12 * * *", jitter="5h")
    [first, *_] = views.next_runs(schedule, NOON)
    assert first.due == NOON < first.starts < NOON + 5 * HOUR


@pytest.fixture
def world() -> World:
    world = World(now=NOON)
    world.register("shop")
    return world


def past(world: World, schedule: Schedule) -> list[str]:
    return [f"{run.due:%H:%M} {run.status}" for run in views.past_runs(world.store, schedule.name)]


def ask(world: World, schedule: Schedule, at: datetime) -> e.Event:
    world.now = max(world.now, at)
    event = scheduler.request(schedule, schedules.due(schedule, at), world.now)
    [told] = license_gate.backup_requested(event, "somebody", world.gate)  # type: ignore[arg-type]
    return told


def test_what_became_of_runs_is_shown(world: World) -> None:
    hourly = Schedule(name="hourly", expression="@hourly", app="shop", since=NOON - HOUR, missed="skip")
    first = ask(world, hourly, NOON)
    list(world.hear(first))
    ask(world, hourly, NOON + HOUR)
    second = views.past_runs(world.store, "hourly")[0]
    assert second.status == "InProgress"
    world.now = NOON + 5 * HOUR
    ask(world, hourly, NOON + 4 * HOUR)
    assert past(world, hourly) == ["16:00 Skipped", "15:00 Missed", "13:00 InProgress", "12:00 InProgress"]
    ledger.create(world.store, keys.deleted(backup(second.name or "")), Tombstone())
    assert past(world, hourly)[2] == "13:00 Deleted"


def test_a_run_that_waits_says_behind_whom(world: World) -> None:
    hourly = Schedule(name="hourly", expression="@hourly", app="shop", since=NOON - HOUR)
    list(world.hear(ask(world, hourly, NOON)))
    waiting = ask(world, hourly, NOON + HOUR)
    next(iter(world.hear(waiting)))
    [run, earlier] = views.past_runs(world.store, "hourly")
    assert (run.status, earlier.name) == ("Queued", str(run.reason).split(" behind backup ")[1].split()[0])


def test_a_run_that_a_license_does_not_allow_is_shown_as_rejected(world: World) -> None:
    world.register("blog", license_text=None)
    ask(world, Schedule(name="blog", expression="@hourly", app="blog", since=NOON - HOUR), NOON)
    [run] = views.past_runs(world.store, "blog")
    assert (run.status, "license" in str(run.reason)) == ("Rejected", True)


class Away:
    """A store that does not answer."""

    def names(self, prefix: str) -> Iterator[str]:
        raise TransientError("the store does not answer")


def test_a_store_that_does_not_answer_hides_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    front = Front(tmp_path)
    monkeypatch.setattr(type(front.session), "store", lambda *_: Away())
    view = views.view(front.session, NIGHTLY, NOON)
    assert (view.sentence, len(view.next), view.past) == ("At 02:00 (Europe/Berlin)", 5, ())
    assert "does not answer" in str(view.problem)
