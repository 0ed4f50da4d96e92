"""Records that an earlier release has left of a finished backup and a restore are listed, described and restored."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from producers.cli.main import cli
from producers.views.upgrade import looked_at
from schemas import keys
from schemas.job import backup
from schemas.records import BackupRecord
from tests.support import frozen_records
from tests.support.front import Front
from tests.support.volumes import never, quiet
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger

VERSIONS = sorted(frozen_records.SAMPLES.glob("records-v*"))


@pytest.fixture(params=VERSIONS, ids=[version.name for version in VERSIONS])
def sample(request: pytest.FixtureRequest) -> Path:
    """Each of them."""
    found: Path = request.param
    return found


@pytest.fixture
def front(sample: Path, tmp_path: Path) -> Front:
    """A front over a store that has nothing else."""
    objects = MemoryObjectStore()
    for key, body in frozen_records.objects(sample).items():
        objects.put(key, body)
    return Front(tmp_path, objects, passphrase=SecretStr(frozen_records.PASSPHRASE))


def _said(front: Front, command: str) -> Any:
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_they_are_listed_and_described(sample: Path, front: Front) -> None:
    wanted = frozen_records.expected(sample)
    backups = {row["name"]: row["status"] for row in _said(front, "get backups")}
    restores = {row["name"]: row["status"] for row in _said(front, "get restores")}
    assert backups == {wanted["backup"]: "Completed", f"{wanted['restore']}-before": "Completed"}
    assert restores == {wanted["restore"]: "Completed"}
    described = _said(front, f"describe backup {wanted['backup']} --objects")
    assert (described["status"], described["objects"]) == ("Completed", wanted["objects"])
    assert len(described["volumes"]) >= len(wanted["volumes"])
    assert _said(front, f"describe restore {wanted['restore']}")["backup"] == wanted["backup"]


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_their_volumes_come_back(sample: Path, front: Front, tmp_path: Path) -> None:
    wanted, repository = frozen_records.expected(sample), front.session.repository()
    record = ledger.read(front.session.store(), keys.final(backup(wanted["backup"])), BackupRecord)
    found = {}
    for number, volume in enumerate(each for each in record.volumes if each.claim):
        target = tmp_path / f"volume-{number}"
        target.mkdir()
        done = repository.restore(volume.volume_id, target, checkpoint=None, stop=never, progress=quiet)
        assert done.lost == ()
        found[volume.key] = frozen_records.listing(target)
    assert found == wanted["volumes"]


def test_they_are_of_this_version_or_older(front: Front) -> None:
    assert {part.standing for part in looked_at(front.session) if part.where == "default"} <= {"current", "older"}
