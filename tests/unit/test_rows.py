"""What the command line prints of jobs: the names and shapes that scripts rely on, and remedies for people."""

from pathlib import Path

import pytest

from producers.cli import rows
from producers.cli.render import Output
from producers.views import jobs
from producers.views.catalog import open_catalog
from schemas import keys
from schemas.job import restore
from schemas.messages import Message
from schemas.records import RestoreRecord, RestoreRequest
from tests.support.front import NOON, Front
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
    listed = {
        "name": "shop-bcdfg",
        "status": "PartiallyFailed",
        "app": "shop",
        "apps": ["shop"],
        "schedule": "nightly",
        "objects": 7,
        "volumes": 1,
        "size": 100,
        "uploaded_bytes": 25,
        "errors": 1,
        "warnings": 1,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "completed_at": "2026-11-23T12:01:00+00:00",
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
    described = listed | {"volumes": [volume], "errors": ["the keys are gone"], "warnings": ["something is odd"]}
    assert list(rows.backup_details(details, Output.JSON).items()) == list(described.items())
    for_people = rows.backup_details(details, Output.TABLE)
    assert for_people["errors"] == ["the keys are gone; `snapline repository key recover` with the recovery text"]
    assert for_people["warnings"] == ["something is odd"]


def test_a_backup_under_way(front: Front) -> None:
    front.begin("shop-bcdfg")
    row: dict[str, object] = {
        "name": "shop-bcdfg",
        "status": "InProgress",
        "app": None,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "notes": [],
    }
    [view] = open_catalog(front.session).backups()
    assert list(rows.backup(view).items()) == list(row.items())
    details = jobs.backup(front.store, "shop-bcdfg")
    assert list(rows.backup_details(details, Output.TABLE).items()) == list(row.items())


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
        "objects": 0,
        "bytes": 7,
        "files": 0,
        "errors": 1,
        "warnings": 0,
        "requested_at": "2026-11-23T12:00:00+00:00",
        "completed_at": "2026-11-23T12:00:00+00:00",
        "reason": "something is odd",
    }
    [view] = open_catalog(front.session).restores()
    assert list(rows.restore(view).items()) == list(ended.items())
    details = rows.restore_details(jobs.restore(front.store, job.name), Output.YAML)
    assert list(details.items()) == list((ended | {"errors": ["the keys are gone"], "warnings": []}).items())
