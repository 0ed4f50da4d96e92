"""What happens to the applications: each scene is played once, and several tests look at what it left.

A scene begins and ends with everything running; what is in the volumes by then is its own affair.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas import events as e
from schemas import keys
from schemas.job import Job
from schemas.kubernetes import PODS, SERVICES
from tests.e2e.neighbours.meanwhile import finalizer, later_cron_job, lodger
from tests.e2e.neighbours.pictures import Picture, picture, spoil
from tests.e2e.neighbours.requests import ask_backup, ask_restore, awaited, ended, helpers, told_of
from tests.e2e.neighbours.setting import ARCHIVE, FOUNDRY, HAND_MADE, QUARRY, all_run, create, destroy
from tests.support.line import Line, until


@dataclass(frozen=True)
class Whole:
    """A full backup, and what was there when it was taken."""

    name: str
    record: Any
    was: Picture


def whole(line: Line) -> Whole:
    """Before any other scene: none of them knows what it finds in the volumes."""
    was = _look(line)
    job = ask_backup(line)
    return Whole(job.name, ended(line, job), was)


@dataclass(frozen=True)
class Cancelled:
    """A restore of `archive` over itself was cancelled, while its helper waited for a directory; then, rolled back."""

    before: Picture
    after: Picture
    record: Any
    rollback: Any


def cancelled(line: Line, backup: str, data: Path) -> Cancelled:
    """`data` is where the volumes are that people made."""
    spoil(line, *HAND_MADE)
    before = _look(line)
    directory, away = data / "archive-shelf", data / "away"
    with _held_up(line, backup) as job:
        directory.rename(away)
    try:
        until(lambda: bool(helpers(line, job)), "the helper is there", seconds=120)
        assert line.stack.snapline("cancel", job.name).returncode == 0
        record = ended(line, job)
    finally:
        away.rename(directory)
    rollback = ended(line, _ask_rollback(line, job))
    return Cancelled(before, _look(line), record, rollback)


@dataclass(frozen=True)
class Alone:
    """`archive` was restored over itself, but for a CronJob that had come since and was to be kept. In the midst of it,
    backups of it and of another application were asked for, and the deletion of the backup."""

    before: Picture
    after: Picture
    record: Any
    archive_backup: Any
    archive_queued: Any
    foundry_backup: Any
    foundry_queued: bool
    refusals: list[e.BackupDeleteFailed]


def alone(line: Line, backup: str) -> Alone:
    """Ends only if a backup of another application does not wait for the restore."""
    spoil(line, *HAND_MADE)
    with later_cron_job(line, ARCHIVE):
        return _alone(line, backup)


def _alone(line: Line, backup: str) -> Alone:
    before = _look(line)
    with _held_up(line, backup, keep_newer=True) as job:
        line.publish(e.BackupDeleteRequested(backup=backup), f"delete {job}")
        mine, other = ask_backup(line, ARCHIVE), ask_backup(line, FOUNDRY)
        archive_queued = awaited(line, mine, keys.queued)
        foundry_backup = line.final("backup", other.name)
    record, archive_backup = ended(line, job), line.final("backup", mine.name)
    foundry_queued = any(True for _ in line.store.list(keys.queued(other)))
    refusals = [event for event in told_of(line, e.BackupDeleteFailed) if event.backup == backup]
    after = _look(line)
    return Alone(before, after, record, archive_backup, archive_queued, foundry_backup, foundry_queued, refusals)


@contextmanager
def _held_up(line: Line, backup: str, *, keep_newer: bool = False) -> Iterator[Job]:
    """A restore of `archive`, which is deleting what it replaces, and does not come to the end of it."""
    with finalizer(line.cluster, PODS, "archive-0"):
        job = ask_restore(line, backup, scope="applications", app=ARCHIVE, keep_newer=keep_newer)
        awaited(line, job, lambda job: keys.stage_began(job, "undeployed", ARCHIVE))
        yield job


@dataclass(frozen=True)
class Stuck:
    """All applications were restored, while a Service of `quarry` had a finalizer that nobody took away."""

    before: Picture
    after: Picture
    record: Any


def stuck(line: Line, backup: str) -> Stuck:
    """Takes as long as the line waits for what is deleted."""
    spoil(line, *HAND_MADE, "bell")
    before = _look(line)
    with finalizer(line.cluster, SERVICES, QUARRY):
        record = ended(line, ask_restore(line, backup, scope="applications"))
        after = _look(line)
    until(lambda: "Service quarry" not in picture(line).objects, "the Service is gone")
    create(line, "Service", QUARRY)
    return Stuck(before, after, record)


@dataclass(frozen=True)
class Disaster:
    """Everything was deleted but the directories of volumes that people made; then everything was restored."""

    before: Picture
    after: Picture
    record: Any


def disaster(line: Line, backup: str) -> Disaster:
    """What is in those directories has changed since the backup."""
    spoil(line, *HAND_MADE)
    before = _look(line)
    destroy(line)
    record = ended(line, ask_restore(line, backup))
    return Disaster(before, _look(line), record)


@dataclass(frozen=True)
class Later:
    """`quarry` was restored over itself from its own backup, since which a CronJob had come. There was a lodger too, of
    whom only the pods are labelled. Then came a rollback."""

    before: Picture
    after: Picture
    back: Picture
    record: Any
    rollback: Any
    planned: e.RestorePlanned


def later(line: Line) -> Later:
    """The lodger is there all the time."""
    with lodger(line):
        backup = ask_backup(line, QUARRY)
        assert ended(line, backup)["status"] == "Completed"
        spoil(line, "pit", "lodger")
        with later_cron_job(line, QUARRY):
            return _later(line, backup.name)


def _later(line: Line, backup: str) -> Later:
    before = _look(line, lodgers=1)
    job = ask_restore(line, backup, scope="applications", app=QUARRY)
    record = ended(line, job)
    after = _look(line, lodgers=1)
    rollback = ended(line, _ask_rollback(line, job))
    [planned] = [event for event in told_of(line, e.RestorePlanned) if event.restore == job.name]
    return Later(before, after, _look(line, lodgers=1), record, rollback, planned)


def _ask_rollback(line: Line, job: Job) -> Job:
    return Job("restore", line.snapline("restore", "--rollback", job.name)["name"])


def _look(line: Line, *, lodgers: int = 0) -> Picture:
    until(lambda: all_run(line, lodgers), "all pods run", seconds=180)
    return picture(line)
