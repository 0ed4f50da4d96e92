"""After a campaign: everything is looked at once more, in calm, and put together as a history."""

import signal
import time
from collections import Counter
from collections.abc import Callable

from deploy.local import looking
from schemas import events as e
from schemas import keys
from schemas.errors import SnaplineError
from schemas.records import BackupRecord
from tests.chaos import workload
from tests.chaos.campaign import Course, settle
from tests.chaos.desk import Asked
from tests.chaos.history import DELETED, Exit, History, Letter, Look, Request
from tests.chaos.stage import Stage
from tests.chaos.truth import Truth, contents, differences
from tests.support.aftermath import left_behind
from workers.adapters import broker
from workers.adapters.broker import reading
from workers.jobs import ledger
from workers.repository import open_repository

PATIENCE = 240.0
"""Seconds until what goes by itself must be gone: marks of those who have died, helper pods, sick workers."""
Say = Callable[[str], None]


def judge(stage: Stage, course: Course, *, bound: float, wholly: int, say: Say) -> History:
    """The history, once all that is Completed has been read back, and `wholly` backups have been restored over a loss
    of everything."""
    history = History(ended_in=course.slowest if course.ended else None)
    if course.ended:
        say("all has ended; every backup is read back")
        _look_at_all(stage, course, history, bound)
        _restore_wholly(stage, course, history, wholly, say)
        history.repository = _check(stage)
    _wait(lambda: not _left(stage) and not stage.sick())
    history.left = _left(stage)
    history.unwell = stage.sick()
    history.letters = _letters(stage, course)
    history.exits = _exits(stage, course)
    course.desk.look_at_records()
    history.finals = list(course.desk.finals.values())
    history.ends = list(course.desk.ends)
    history.requests = [_request(asked, course) for asked in course.desk.asked.values()]
    return history


def _request(asked: Asked, course: Course) -> Request:
    return Request(asked.id, asked.kind, asked.subject, asked.accepted, tuple(sorted(_excuses(asked, course))))


def _excuses(asked: Asked, course: Course) -> set[str]:
    doomed = {other.subject for other in course.desk.asked.values() if other.kind == "delete"}
    source = getattr(asked.event, "backup", "")
    found = set(asked.excuses)
    if asked.kind in ("restore", "verify", "copy") and source in doomed:
        found.add(DELETED)
    if asked.kind == "backup" and asked.subject in doomed:
        found.add(DELETED)
    if asked.kind in ("backup", "restore"):
        if any(
            (app, asked.round) in course.truth.torn for app in workload.APPS if asked.app in (app, None)
        ):  # it was asked for beside a restore that was cancelled
            found.add("an application was torn by a restore that was cancelled")
        if asked.round in course.doings.rounds_without_a_node:
            found.add("a node was lost")
    return found


def _look_at_all(stage: Stage, course: Course, history: History, bound: float) -> None:
    store, looks = stage.line.store, list[Look]()
    records = [
        record
        for found in list(store.list(keys.finals_of("backup")))
        if (job := keys.parse_final(found.key)) and not ledger.exists(store, keys.deleted(job))
        if (record := ledger.read(store, found.key, BackupRecord)).status == "Completed"
    ]
    asked = {
        record.name: course.desk.ask("verify", e.BackupVerifyRequested(backup=record.name), record.name, None, 0)
        for record in records
    }
    settle(course, bound)
    repository = open_repository(stage.line.objects, stage.stack.environment["SNAPLINE_PASSPHRASE"])
    by_name = {one.subject: one for one in course.desk.asked.values() if one.kind == "backup"}
    for record in records:
        end = course.desk.answer(asked[record.name].id)
        verified = "" if end and end.status == "Verified" else f"{end and end.status}: {end and end.text}"
        known = _is_known(by_name.get(record.name), course.truth)
        found = tuple(differences(course.truth, repository, record, stage.stack.root)) if known else ()
        looks.append(Look(record.name, verified, known, found))
    history.looks = looks
    history.unlooked = sorted(set(course.desk.completed()) - {record.name for record in records})


def _is_known(asked: Asked | None, truth: Truth) -> bool:
    """Whether the campaign knows what must be in it: not of a snapshot that a restore has taken, nor of what was taken
    beside a restore that was cancelled."""
    apps = [app for app in workload.APPS if asked is not None and asked.app in (app, None)]
    return asked is not None and not any((app, asked.round) in truth.torn for app in apps)


def _restore_wholly(stage: Stage, course: Course, history: History, wholly: int, say: Say) -> None:
    """The newest full backups that are known, each after the loss of everything."""
    line = stage.line
    full = [asked for asked in course.desk.completed().values() if asked.app is None and _is_known(asked, course.truth)]
    for asked in full[-wholly:] if wholly else []:
        say(f"everything is lost, and restored from {asked.subject}")
        before = line.look()
        line.destroy()
        done = stage.stack.snapline(
            *("restore", "--from-backup", asked.subject, "--wait", "--timeout", "900", "-o", "json")
        )
        problems = [] if done.returncode == 0 else [f"exit code {done.returncode}: {done.stdout} {done.stderr[-300:]}"]
        _wait(line.all_run)
        after = line.look()
        problems += _objects_differ(before, after)
        essences = contents(after)
        problems += [
            f"{key} was never like that" for key, one in essences.items() if one not in course.truth.known[key]
        ]
        problems += [f"{key} is missing" for key in course.truth.known if key not in essences]
        history.restored[asked.subject] = tuple(problems)


def _objects_differ(before: looking.Picture, after: looking.Picture) -> list[str]:
    """All that is different but the volumes, which may be of another generation."""
    return looking.differences(looking.Picture(before.objects, before.uids, after.volumes), after)


def _check(stage: Stage) -> list[str]:
    done = stage.stack.snapline("repository", "check", "-o", "json")
    return [] if done.returncode == 0 else [f"{done.stdout} {done.stderr[-500:]}"]


def _wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except SnaplineError:
            pass
        time.sleep(1.0)


def _left(stage: Stage) -> list[str]:
    store = stage.line.store
    leases = [found.key for found in store.list("upkeep/leases/")]
    behind = [what for what in left_behind(stage.line) if not what.startswith("dead letter")]
    return [*behind, *leases]


def _letters(stage: Stage, course: Course) -> list[Letter]:
    ours = {reading.kept(body) for body in course.doings.hostile}
    return [
        Letter(letter.queue, letter.type, letter.reason, letter.body in ours)
        for letter in broker.list_dead_letters(stage.server.url, nodes=list(stage.nodes))
    ]


def _exits(stage: Stage, course: Course) -> list[Exit]:
    found = []
    for child in stage.stack.supervisor.children():
        allowed = course.doings.signals.get(child.name, Counter())
        left = {-signal.SIGKILL: allowed[signal.SIGKILL], 0: allowed[signal.SIGTERM]}
        for code in child.exits:
            explained = left.get(code, 0) > 0
            left[code] = left.get(code, 0) - 1
            found.append(Exit(child.name, code, explained))
    return found
