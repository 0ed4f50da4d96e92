"""What the command line prints of jobs: the names and shapes that scripts rely on, and remedies for people."""

from dataclasses import replace
from pathlib import Path

import pytest

from producers.cli import rows, verdicts
from producers.cli.render import Output
from producers.views import jobs
from producers.views.catalog import open_catalog
from producers.views.hooks import HookView
from schemas import keys
from schemas.job import Job, restore
from schemas.messages import Message
from schemas.records import LiveRef, RestorePlan, RestoreRecord, RestoreRequest, Undeploy
from tests.support.front import NOON, Front, reject_backup, reject_restore
from workers.jobs import ledger

LOST = Message(code="KeysLost", text="the keys are gone")
ODD = Message(code="OfAnotherVersion", text="something is odd", subject="x")


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def test_a_finished_backup(front: Front) -> None:
    front.begin("shop-bcdfg")
    front.finish(
        "shop-bcdfg",
        app="shop",
        apps=[{"slug": "shop"}],
        schedule="nightly",
        status="PartiallyFailed",
        objects=7,
        errors=[LOST],
        warnings=[ODD],
    )
    listed: dict[str, object] = {
        "name": "shop-bcdfg",
        "status": "PartiallyFailed",
        "app": "shop",
        "apps": ["shop"],
        "schedule": "nightly",
        "snapshot_of": None,
        "objects": 7,
        "volumes": 1,
        "size": 100,
        "uploaded_bytes": 25,
        "errors": 1,
        "warnings": 1,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "completed_at": "2026-11-23T12:01:00+00:00",
        "duration_seconds": 60.0,
        "expires_at": None,
        "held": False,
        **dict.fromkeys(verdicts.NAMES),
        "copied_from": None,
        "copies": {},
        "reason": "the keys are gone",
    }
    volume = {
        "namespace": "shop",
        "pod": "db-0",
        "name": "data",
        "claim": "data",
        "scanned_bytes": 100,
        "changed_bytes": 50,
        "uploaded_bytes": 25,
        "files": 3,
    }
    [view] = open_catalog(front.session).backups()
    assert list(rows.backup(view).items()) == list(listed.items())
    details = jobs.backup(front.store, "shop-bcdfg")
    said = {"errors": ["the keys are gone"], "warnings": ["something is odd"]}
    unknown: dict[str, object] = {"verifications": [], "test_restore_problems": [], "copy_results": []}
    described = listed | {"volumes": [volume], "hooks": []} | unknown | said
    assert list(rows.backup_details(details, (), Output.JSON).items()) == list(described.items())
    for_people = rows.backup_details(details, (), Output.TABLE)
    assert for_people["errors"] == ["the keys are gone; `snapline repository key recover` with the recovery text"]
    assert for_people["warnings"] == ["something is odd"]


def test_a_backup_under_way(front: Front) -> None:
    front.begin("shop-bcdfg")
    row: dict[str, object] = {
        "name": "shop-bcdfg",
        "status": "InProgress",
        "app": None,
        "snapshot_of": None,
        "expires_at": None,
        "held": False,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "notes": [],
    }
    [view] = open_catalog(front.session).backups()
    assert list(rows.backup(view).items()) == list(row.items())
    details = jobs.backup(front.store, "shop-bcdfg")
    far = {"phase": "capturing objects", "objects": 0, "volumes": "0 of 0", "bytes": 0}
    assert list(rows.backup_details(details, (), Output.TABLE).items()) == list((row | far).items())


def test_a_restore(front: Front) -> None:
    job = restore("shop-bcdfg-r")
    ledger.begin(front.store, job)
    asked = RestoreRequest(
        name=job.name, request="q", event_id="e", requested_at=NOON, backup="b", scope="full", notes=[ODD]
    )
    ledger.create(front.store, keys.request(job), asked)
    running = {
        "name": job.name,
        "status": "InProgress",
        "app": None,
        "backup": "b",
        "scope": "full",
        "snapshot": None,
        "test": False,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "notes": ["something is odd"],
    }
    assert list(rows.restore(jobs.restore(front.store, job.name).view).items()) == list(running.items())
    record = RestoreRecord(
        name=job.name,
        request="q",
        backup="b",
        scope="full",
        status="Failed",
        requested_at=NOON,
        completed_at=NOON,
        bytes=7,
        snapshot=f"{job.name}-before",
        errors=[LOST],
        reason=ODD,
    )
    ledger.create(front.store, keys.final(job), record)
    ended = {
        "name": job.name,
        "status": "Failed",
        "backup": "b",
        "scope": "full",
        "app": None,
        "snapshot": "shop-bcdfg-r-before",
        "objects": 0,
        "bytes": 7,
        "files": 0,
        "errors": 1,
        "warnings": 0,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "completed_at": "2026-11-23T12:00:00+00:00",
        "duration_seconds": 0.0,
        "test": False,
        "restore_seconds": None,
        "reason": "something is odd",
    }
    [view] = open_catalog(front.session).restores()
    assert list(rows.restore(view).items()) == list(ended.items())
    details = rows.restore_details(jobs.restore(front.store, job.name), (), Output.YAML)
    said = {"hooks": [], "errors": ["the keys are gone"], "warnings": []}
    assert list(details.items()) == list((ended | said).items())
    for_people = rows.restore_details(jobs.restore(front.store, job.name), (), Output.TABLE)
    assert for_people["snapshot"] == ("shop-bcdfg-r-before; `snapline restore --rollback shop-bcdfg-r` goes back to it")


def _plan(front: Front, job: Job) -> None:
    newer = LiveRef(group_resource="cronjobs.batch", namespace="shop", name="late", uid="1", why="newer", owner="shop")
    replaced = newer.model_copy(update={"name": "old", "uid": "2", "why": "replaced"})
    told = Message(code="Newer", text="cronjobs.batch shop/late came after the backup")
    undeploy = Undeploy(objects=[replaced, newer], errors=[LOST], warnings=[ODD, told])
    ledger.create(front.store, keys.undeploy(job), undeploy)
    plan = RestorePlan(backup="b", manifest="m", objects=3, volumes=[], snapshot=f"{job.name}-before")
    ledger.create(front.store, keys.plan(job), plan)


def test_a_restore_under_way_says_what_it_deletes_and_what_it_has_saved_first(front: Front) -> None:
    job = restore("b-r")
    asked = RestoreRequest(name=job.name, request="q", event_id="e", requested_at=NOON, backup="b", scope="full")
    ledger.create(front.store, keys.request(job), asked)
    _plan(front, job)
    row = rows.restore_details(jobs.restore(front.store, job.name), (), Output.JSON)
    assert (row["snapshot"], row["replaced"], row["newer"]) == ("b-r-before", 2, ["cronjobs.batch shop/late"])
    assert row["left_alone"] == ["the keys are gone", "something is odd"]


def test_a_safety_snapshot_says_of_which_restore(front: Front) -> None:
    front.back_up("b-r-before", "b")
    found = {view.name: rows.backup(view)["snapshot_of"] for view in open_catalog(front.session).backups()}
    assert found == {"b-r-before": "b-r", "b": None}


def test_a_rejected_request_says_why_and_to_people_what_to_do(front: Front) -> None:
    name = reject_backup(front, "mine", LOST)
    row = {
        "name": name,
        "status": "Rejected",
        "app": "nope",
        "requested_at": "2026-11-23T12:00:00+00:00",
        "request": "mine",
        "reasons": ["the keys are gone"],
    }
    [view] = open_catalog(front.session).backups()
    assert list(rows.backup(view).items()) == list(row.items())
    details = jobs.backup(front.store, name)
    assert list(rows.backup_details(details, (), Output.JSON).items()) == list(row.items())
    assert rows.backup_details(details, (), Output.TABLE)["reasons"] == [
        "the keys are gone; `snapline repository key recover` with the recovery text"
    ]
    by_event = rows.rejection(name, "mine", [LOST], Output.JSON)
    assert by_event == {key: row[key] for key in ("name", "status", "request", "reasons")}


def test_a_rejected_restore(front: Front) -> None:
    name = reject_restore(front, "mine", LOST)
    row = {
        "name": name,
        "status": "Rejected",
        "app": None,
        "backup": "nope",
        "scope": "full",
        "requested_at": "2026-11-23T12:00:00+00:00",
        "request": "mine",
        "reasons": ["the keys are gone"],
    }
    [view] = open_catalog(front.session).restores()
    assert list(rows.restore(view).items()) == list(row.items())
    assert rows.restore_details(jobs.restore(front.store, name), (), Output.JSON) == row


HOOK = HookView(
    phase="pre",
    source="annotation",
    namespace="shop",
    pod="db-0",
    container="main",
    started_at=NOON,
    seconds=1.25,
    exit_code=0,
    error="",
    command=("sh", "-c", "dump > x"),
    stdout="one\ntwo\n",
    stdout_cut=True,
)


def test_a_hook_for_programs_has_typed_fields() -> None:
    assert rows.hook(HOOK) == {
        "phase": "pre",
        "source": "annotation",
        "namespace": "shop",
        "pod": "db-0",
        "container": "main",
        "started_at": "2026-11-23T12:00:00+00:00",
        "seconds": 1.25,
        "exit_code": 0,
        "error": "",
        "command": ["sh", "-c", "dump > x"],
        "stdout": "one\ntwo\n",
        "stderr": "",
        "stdout_cut": True,
        "stderr_cut": False,
        "problem": "",
    }


def test_a_hook_for_people_is_a_paragraph() -> None:
    assert rows.hook_text(HOOK).splitlines() == [
        "pre shop/db-0 main (annotation): exit code 0, 1.2 s",
        "  $ sh -c 'dump > x'",
        "  stdout, only its end:",
        "    one",
        "    two",
    ]
    problem = Message(code="NoPassphrase", text="the repository has no passphrase")
    hidden = replace(HOOK, exit_code=None, error="it was ended", command=(), stdout="", problem=problem)
    said = rows.hook_text(hidden).splitlines()
    assert said[:2] == ["pre shop/db-0 main (annotation): no exit code, 1.2 s", "  it was ended"]
    assert said[2].startswith("  its output is not shown: the repository has no passphrase; set SNAPLINE_PASSPHRASE")
