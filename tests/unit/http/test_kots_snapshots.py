"""KOTS' routes about snapshots: its names, its words, and what a script of its users relies on."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from producers.http.kots import shapes
from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import backup
from schemas.messages import Message
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON, reject_backup, volume
from tests.support.line import until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        yield made


def test_a_list_has_full_snapshots_and_that_of_an_application_its_partial_ones(site: Site) -> None:
    site.front.back_up("instance-bcdfg")
    site.front.begin("shop-bcdfg")
    site.front.finish("shop-bcdfg", app="shop", apps=[{"slug": "shop"}], schedule="nightly")
    [full] = site.said("GET", "/api/v1/snapshots")["backups"]
    assert full == {
        "name": "instance-bcdfg",
        "status": "Completed",
        "trigger": "manual",
        "appID": "",
        "sequence": 0,
        "startedAt": "2026-11-23T12:00:00Z",
        "finishedAt": "2026-11-23T12:01:00Z",
        "expiresAt": None,
        "supportBundleId": "",
        "includedApps": [],
        "expectedBackupCount": 1,
        "backupCount": 1,
        "volumeCount": 1,
        "volumeSuccessCount": 1,
        "volumeBytes": 100,
        "volumeSizeHuman": "100B",
    }
    [partial] = site.said("GET", "/api/v1/app/shop/snapshots")["backups"]
    assert (partial["name"], partial["appID"], partial["trigger"]) == ("shop-bcdfg", "shop", "schedule")
    assert [each["slug"] for each in partial["includedApps"]] == ["shop"]
    assert site.said("GET", "/api/v1/app/wiki/snapshots")["backups"] == []


def test_only_what_is_whole_is_called_completed(site: Site) -> None:
    site.front.begin("instance-bcdfg")
    site.front.begin("instance-cdfgh")
    site.front.finish("instance-cdfgh", status="PartiallyFailed")
    site.front.begin("instance-dfghj")
    site.front.finish("instance-dfghj", status="Cancelled")
    states = {each["name"]: each["status"] for each in site.said("GET", "/api/v1/snapshots")["backups"]}
    assert states == {"instance-bcdfg": "InProgress", "instance-cdfgh": "Failed", "instance-dfghj": "Failed"}
    [detail] = site.said("GET", "/api/v1/snapshot/instance-cdfgh")["backupDetails"]
    assert detail["status"] == "PartiallyFailed"


def test_one_snapshot_tells_its_volumes_its_scripts_and_what_is_wrong(site: Site) -> None:
    site.front.begin("instance-bcdfg")
    site.front.finish(
        "instance-bcdfg",
        status="PartiallyFailed",
        errors=[Message(code=Code.POD_GONE, text="the pod shop/db-0 went away")],
        covers=[{"owner": "shop", "namespaces": ["shop", "mail"]}],
        hooks=[
            {
                "phase": "pre",
                "source": "annotation",
                "namespace": "shop",
                "pod": "db-0",
                "container": "db",
                "started_at": NOON,
                "seconds": 2.5,
                "exit_code": 1,
                "error": "exit code 1",
            }
        ],
    )
    said = site.said("GET", "/api/v1/snapshot/instance-bcdfg")
    assert (said["success"], said["backup"]["name"]) == (True, "instance-bcdfg")
    [detail] = said["backupDetails"]
    assert detail["namespaces"] == ["mail", "shop"]
    [copied] = detail["volumes"]
    assert (copied["name"], copied["podVolumeName"], copied["completionPercent"]) == ("shop/data", "data", 100)
    assert detail["errors"] == [{"title": "PodGone", "message": "the pod shop/db-0 went away", "namespace": ""}]
    [script] = detail["hooks"]
    assert (script["podName"], script["finishedAt"]) == ("db-0", "2026-11-23T12:00:02.500000Z")
    assert [each["message"] for each in script["errors"]] == ["exit code 1"]


def test_a_snapshot_is_asked_for_and_called_by_its_name_to_be(site: Site) -> None:
    full = site.said("POST", "/api/v1/snapshot/backup")
    partial = site.said("POST", "/api/v1/app/shop/snapshot/backup")
    assert (full["success"], full["error"]) == (True, "")
    assert full["backupName"].startswith("instance-")
    assert partial["backupName"].startswith("shop-")
    assert [asked.data.app for asked in site.front.bus.published if isinstance(asked.data, e.BackupRequested)] == [
        None,
        "shop",
    ]


def test_a_snapshot_that_was_refused_has_failed(site: Site) -> None:
    name = reject_backup(site.front, "e1", Message(code=Code.LICENSE_REFUSED, text="its license has no snapshots"))
    [listed] = site.said("GET", "/api/v1/app/nope/snapshots")["backups"]
    assert (listed["name"], listed["status"], listed["backupCount"]) == (name, "Failed", 0)
    [detail] = site.said("GET", f"/api/v1/snapshot/{name}")["backupDetails"]
    assert detail["status"] == "FailedValidation"
    assert detail["errors"][0]["message"] == "its license has no snapshots"


def test_a_snapshot_is_deleted(site: Site) -> None:
    site.front.back_up("instance-bcdfg")
    assert site.said("POST", "/api/v1/snapshot/instance-bcdfg/delete") == {"success": True, "error": ""}
    [asked] = site.front.bus.published
    assert isinstance(asked.data, e.BackupDeleteRequested)
    assert asked.data.backup == "instance-bcdfg"


def test_one_that_is_being_deleted_is_said_to_be_until_it_is_gone(site: Site) -> None:
    for name in ("instance-bcdfg", "instance-cdfgh"):
        site.front.back_up(name)
    site.said("POST", "/api/v1/snapshot/instance-bcdfg/delete")
    assert _states(site) == {"instance-bcdfg": "Deleting", "instance-cdfgh": "Completed"}
    assert site.said("GET", "/api/v1/snapshot/instance-bcdfg")["backup"]["status"] == "Deleting"
    assert site.said("GET", "/api/v1/snapshot/instance-cdfgh")["backup"]["status"] == "Completed"
    site.front.store.delete(keys.final(backup("instance-bcdfg")))
    site.front.store.delete(keys.request(backup("instance-bcdfg")))
    assert _states(site) == {"instance-cdfgh": "Completed"}


def test_one_that_could_not_be_deleted_is_as_it_was(site: Site) -> None:
    site.front.back_up("instance-bcdfg")
    site.said("POST", "/api/v1/snapshot/instance-bcdfg/delete")
    [asked] = site.front.bus.published
    reason = Message(code=Code.LOCKED, text="the store keeps it")
    failed = e.BackupDeleteFailed(backup="instance-bcdfg", destination="default", reason=reason)
    site.front.bus.publish(e.wrap(failed, source="tests", time=asked.time, cause=asked))
    until(lambda: _states(site) == {"instance-bcdfg": "Completed"}, "the failure is heard")


def test_applications_have_their_names_and_release_sequences(site: Site) -> None:
    site.register("shop")
    site.front.begin("shop-bcdfg")
    site.front.finish("shop-bcdfg", app="shop", apps=[{"slug": "shop", "sequence": 7}])
    site.front.begin("instance-bcdfg")
    site.front.finish("instance-bcdfg", apps=[{"slug": "shop", "sequence": 6}, {"slug": "gone", "sequence": 2}])
    [partial] = site.said("GET", "/api/v1/app/shop/snapshots")["backups"]
    assert partial["sequence"] == 7
    [full] = site.said("GET", "/api/v1/snapshots")["backups"]
    assert full["sequence"] == 0
    assert [(each["slug"], each["name"], each["sequence"]) for each in full["includedApps"]] == [
        ("shop", "Shop", 6),
        ("gone", "gone", 2),
    ]


def test_volumes_tell_when_they_were_read(site: Site) -> None:
    site.front.begin("instance-bcdfg")
    read = {"began_at": NOON, "ended_at": NOON + timedelta(seconds=4)}
    site.front.finish("instance-bcdfg", volumes=[volume().model_copy(update=read)])
    [detail] = site.said("GET", "/api/v1/snapshot/instance-bcdfg")["backupDetails"]
    [copied] = detail["volumes"]
    assert (copied["startedAt"], copied["finishedAt"]) == ("2026-11-23T12:00:00Z", "2026-11-23T12:00:04Z")


def _states(site: Site) -> dict[str, str]:
    return {each["name"]: each["status"] for each in site.said("GET", "/api/v1/snapshots")["backups"]}


def test_what_is_not_there_is_said_with_a_code_and_what_to_do(site: Site) -> None:
    for method, path in (("GET", ""), ("POST", "/delete"), ("GET", "/logs")):
        said = site.refused(method, f"/api/v1/snapshot/instance-bcdfg{path}", 404)
        assert (said["code"], said["success"]) == ("NoSuchBackup", False)
        assert said["error"] == said["detail"]
        assert "/api/v1/backups" in said["what_to_do"]


def test_the_log_is_a_file_of_logfmt_lines(site: Site) -> None:
    site.front.begin("instance-bcdfg")
    site.front.finish("instance-bcdfg", errors=[Message(code="X", text='a "quoted"\nline')], status="PartiallyFailed")
    answer = site.ask("GET", "/api/v1/snapshot/instance-bcdfg/logs")
    assert answer.headers["content-disposition"] == 'attachment; filename="snapshot.log"'
    lines = answer.text.splitlines()
    assert lines[0].startswith('time="2026-11-23T12:00:00Z" level=info msg="backup of all applications')
    assert 'time="2026-11-23T12:01:00Z" level=error msg="a \\"quoted\\"\\nline (X)"' in lines


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (12_500_000, "12.5MB"), (1_234_567, "1.235MB"), (10**21, "1000EB")],
)
def test_sizes_are_as_with_kots(number: int, said: str) -> None:
    assert shapes.size(number) == said


def test_velero_is_not_missed(site: Site) -> None:
    assert site.said("GET", "/api/v1/velero", "support") == {"isVeleroInstalled": True}
