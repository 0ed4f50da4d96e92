"""Workers and schedulers whose clocks are two days ahead or behind, beside a store that has the right time."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from schemas import events as e
from schemas import schedule as schedules
from schemas.destination import DirectoryDestination
from schemas.kubernetes import CONFIG_MAPS
from schemas.schedule import Schedule
from tests.support import clocks
from tests.support.aftermath import brings_back, check_is_clean
from tests.support.line import CONSOLE, Line, Servers, queues, until, whole_line
from workers.repository.format.layout import PACKS

pytestmark = pytest.mark.timeout(800)
AHEAD, BEHIND = clocks.SHIFT, -clocks.SHIFT
SHIFTS = {queue: (AHEAD, BEHIND)[number % 2] for number, queue in enumerate(queues())} | {
    "volumes.node-a": BEHIND,
    "repository.maintain": AHEAD,  # to who prunes, all that was copied just now is days old
    "watchdog": AHEAD,
}
STALLED = (e.BackupStalled, e.RestoreStalled)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Line]:
    root = tmp_path_factory.mktemp("clocks")
    (root / "backups").mkdir()
    destination = DirectoryDestination(path=str(root / "backups"))
    with whole_line(root / "line", servers, destination=destination, megabytes=10, slice_seconds="0.4") as line:
        line.stack.start_workers(clocks.workers(SHIFTS))
        yield line


def test_the_clocks_of_these_processes_are_two_days_apart() -> None:
    now = datetime.now(UTC).timestamp()
    for by in (AHEAD, BEHIND):
        assert abs(clocks.clock_of(by) - now - by.total_seconds()) < 60


def _packs(line: Line) -> set[str]:
    return {found.key for found in line.store.list(PACKS)}


def test_jobs_end_well_and_a_prune_takes_nothing_too_early(line: Line) -> None:
    first = line.snapline("backup", "--wait", "--timeout", "400")
    assert (first["status"], first["warnings"]) == ("Completed", 0)
    for number, (_, directory) in enumerate(line.volume_directories()):
        (directory / "large-0.img").write_bytes(random.Random(number).randbytes(3_000_000))
    before = line.look()
    line.publish(e.BackupRequested(), "beside a prune")
    line.publish(e.RepositoryPruneRequested(), "beside a backup")
    second = line.job("backup", "instance", "beside a prune")
    assert line.final("backup", second, meanwhile=line.tick)["status"] == "Completed"
    packs = _packs(line)
    assert line.snapline("delete", "backup", first["name"], "--wait", "--yes")["status"] == "Deleted"
    line.publish(e.RepositoryPruneRequested(), "soon again")
    until(lambda: any(event.causationid == "soon again" for event in line.told()), "it has been pruned", 120)
    assert _packs(line) == packs
    brings_back(line, second, before)
    line.tick()
    expected = {"repository.pruned.v1", "tick.minute.v1"}
    until(lambda: {event.type for event in line.told()} >= expected, "the tick is taken up, and the prune told")
    assert not [event for event in line.told() if isinstance(event.data, STALLED)]
    assert line.dead_letters() == []


def test_a_run_of_a_schedule_is_asked_for_when_it_is_due_and_made_once(line: Line) -> None:
    nightly = Schedule(name="nightly", expression="@daily", app="shop-floor")  # as if it had been set long ago
    began = datetime.now(UTC)
    line.cluster.create(CONFIG_MAPS, schedules.to_config_map(nightly, CONSOLE))
    for name, by in (("ahead", AHEAD), ("behind", BEHIND)):
        clocks.start_scheduler(line, f"scheduler-{name}", by)

    def asked() -> list[str]:
        return [event.id for event in line.told() if event.id.startswith("schedule/nightly/")]

    until(lambda: len(asked()) >= 1, "one has asked, and the other has, or sees that it is answered", 100)
    due = {_due(nightly, began), _due(nightly, datetime.now(UTC))}  # two only around midnight
    assert set(asked()) <= due

    def made() -> list[dict[str, str]]:
        return [row for row in line.snapline("get", "backups") if row.get("schedule") == "nightly"]

    until(lambda: [row["status"] for row in made()] == ["Completed"] * len(set(asked())), "it is made", 100)
    check_is_clean(line)


def _due(schedule: Schedule, now: datetime) -> str:
    moment = schedules.last_due(schedule.expression, schedules.EPOCH, now)
    assert moment
    return schedules.request_id(schedule, moment)
