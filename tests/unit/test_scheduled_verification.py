"""A schedule that verifies, or restores on trial: the newest good backup, once for each due time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers import scheduler
from producers.actions import schedules as actions
from producers.cli.main import cli
from producers.views.schedules import past_runs
from schemas import events as e
from schemas import keys, topology
from schemas import schedule as schedules
from schemas.errors import Invalid
from schemas.job import restore
from schemas.messages import Message
from schemas.news import describe, severity
from schemas.records import RestoreRequest
from schemas.rights import Rights
from schemas.schedule import Schedule, from_config_map, to_config_map
from tests.support.front import Front
from tests.support.world import World
from tests.unit.test_verification import World as Reader
from workers.adapters.twins.destinations import MemoryDestinations
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.scheduling import runs
from workers.steps import license_gate, verify

TWO = datetime(2026, 11, 24, 2, tzinfo=UTC)
DAILY = Schedule(name="reads", expression="0 2 * * *", does="verify", depth="sample", within="240h")
TRIES = Schedule(
    name="tries",
    expression="0 2 * * *",
    does="test-restore",
    app="shop",
    check_command="psql -c 'select 1'",
    check_in="db",
    probe="web:80",
)


def _due(schedule: Schedule) -> Any:
    return scheduler.request(schedule, schedules.due(schedule, TWO), TWO)


def test_the_request_says_what_the_schedule_says_and_its_id_is_that_of_the_due_time() -> None:
    reads, tries = _due(DAILY), _due(TRIES)
    assert reads.id == "schedule/reads/2026-11-24T02:00:00Z"
    assert (reads.data.backup, reads.data.depth, reads.data.within_seconds) == ("", "sample", 864_000.0)
    assert (tries.data.app, tries.data.check_command, tries.data.check_in, tries.data.probe) == (
        "shop",
        ["psql", "-c", "select 1"],
        "db",
        "web:80",
    )
    assert reads == _due(DAILY)


@pytest.mark.parametrize("schedule", [DAILY, TRIES])
def test_it_is_kept_as_it_was_set(schedule: Schedule) -> None:
    assert from_config_map(to_config_map(schedule, "console")) == schedule


def test_a_verification_is_done_once_for_each_due_time_and_its_result_listed_with_the_schedule() -> None:
    reader = Reader()
    reader.back_up("b", "v")
    asked, told = _due(DAILY), []
    destinations = MemoryDestinations({"default": (reader.store, reader.repository)})  # type: ignore[dict-item]
    assert not runs.is_answered(reader.store, "reads", TWO)
    for _ in range(2):
        needs = verify.VerifyNeeds(destinations, Background(timedelta(seconds=60)))
        told += [each for each in verify.verify(asked, "scheduler", needs) if isinstance(each, e.BackupVerified)]
    assert [each.backup for each in told] == ["b"]
    assert runs.is_answered(reader.store, "reads", TWO)
    [run] = past_runs(reader.store, "reads")
    assert (run.due, run.status, run.name) == (TWO, "Verified", "b")


def test_that_there_is_nothing_to_verify_is_an_answer_too() -> None:
    reader = Reader()
    destinations = MemoryDestinations({"default": (reader.store, reader.repository)})  # type: ignore[dict-item]
    [told] = verify.verify(_due(DAILY), "scheduler", verify.VerifyNeeds(destinations))
    assert isinstance(told, e.BackupVerificationFailed)
    [run] = past_runs(reader.store, "reads")
    assert run.status == "VerificationFailed"


def test_a_test_restore_is_made_once_for_each_due_time() -> None:
    world = World(now=TWO)
    world.register("shop")
    world.backup("p", "shop")

    def ask() -> list[e.Event]:
        return list(license_gate.restore_requested(_due(TRIES), "somebody", world.gate))

    [first], [again] = ask(), ask()
    assert isinstance(first, e.RestoreLicensed)
    assert first == again
    made = ledger.read(world.store, keys.request(restore(first.restore)), RestoreRequest)
    assert made.test
    assert made.test.schedule == "tries"
    assert runs.is_answered(world.store, "tries", TWO)
    [run] = past_runs(world.store, "tries")
    assert (run.status, run.name) == ("InProgress", first.restore)


def test_of_nobody_but_a_scheduler_is_it_believed_what_is_due() -> None:
    world = World(now=TWO)
    world.register("shop")
    world.backup("p", "shop")
    world.schedulers = frozenset()
    list(license_gate.restore_requested(_due(TRIES), "somebody", world.gate))
    assert runs.runs_of(world.store, "tries") == []


def test_a_scheduler_with_an_account_of_its_own_may_ask_for_both() -> None:
    rights = Rights(line=frozenset({"line"}), services={"clock": "scheduler", "gate": "license.gate"})
    for event in (e.BackupVerifyRequested(), e.BackupTestRestoreRequested()):
        assert rights.refusal("clock", event) is None
        assert rights.refusal("gate", event) is not None
    assert rights.refusal("clock", e.RestoreRequested(backup="b")) is not None


def test_what_did_not_go_well_is_told_as_an_error() -> None:
    why = Message(code="Damaged", text="a chunk is lost")
    bad = (
        e.BackupVerificationFailed(backup="b", request="r", reason=why),
        e.BackupTestRestoreFailed(backup="b", restore="r", seconds=1.0, reason=why),
    )
    good = (e.BackupVerified(backup="b", request="r"), e.BackupTestRestored(backup="b", restore="r", seconds=1.0))
    assert ([severity(each) for each in bad], [severity(each) for each in good]) == (["error"] * 2, ["info"] * 2)
    ended = e.RestoreCompleted(restore="b-test-x", backup="b", test=True)
    assert describe(ended) == "test restore b-test-x completed"
    assert all(topology.queue("notify") in topology.hearing(each) for each in (*bad, *good))


def test_it_is_set_and_run_at_once_from_the_command_line(tmp_path: Path) -> None:
    front = Front(tmp_path)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, [*arguments], obj=front.session)
        assert done.exit_code == 0, done.exception
        return done.stdout

    run("set", "schedule", "reads", "--cron", "@daily", "--does", "verify", "--within", "10d", "--depth", "full")
    run("set", "schedule", "tries", "--cron", "@weekly", "--does", "test-restore", "--probe", "web:80/x")
    for name in ("reads", "tries"):
        run("schedule", "run-now", name)
    reads, tries = (event.data for event in front.bus.published)
    assert isinstance(reads, e.BackupVerifyRequested)
    assert (reads.depth, reads.within_seconds) == ("full", 864_000.0)
    assert isinstance(tries, e.BackupTestRestoreRequested)
    assert tries.probe == "web:80/x"
    assert "test-restore" in run("get", "schedules", "-o", "json")
    with pytest.raises(Invalid):
        actions.put(front.session, "reads", within="soon")
