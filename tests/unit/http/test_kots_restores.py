"""KOTS' routes about restores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import restore
from schemas.messages import Message
from schemas.records import RestorePlan, RestoreRecord, RestoreRequest, VolumeRestore, VolumeResult, WriteState
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON
from workers.jobs import ledger

FULL = "instance-bcdfg"
VOLUME = {"kind": "claim", "namespace": "shop", "pod": "db-0", "helper": "h", "volume_id": "v", "bytes": 1000}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.front.begin(FULL)
        made.front.finish(FULL, apps=[{"slug": "shop"}, {"slug": "wiki"}])
        yield made


def begin(site: Site, name: str, backup: str = FULL, app: str | None = "shop") -> None:
    """A restore that is under way."""
    job = restore(name)
    ledger.begin(site.front.store, job)
    request = RestoreRequest(
        name=name, request="q", event_id="e", requested_at=NOON, backup=backup, scope="applications", app=app
    )
    ledger.create(site.front.store, keys.request(job), request)


def finish(site: Site, name: str, status: str = "Completed") -> None:
    """It ends."""
    record = {"name": name, "request": "q", "status": status, "backup": FULL, "scope": "applications", "app": "shop"}
    times = {"requested_at": NOON, "completed_at": NOON}
    ledger.create(site.front.store, keys.final(restore(name)), RestoreRecord.model_validate({**record, **times}))
    site.front.store.delete(keys.running(restore(name)))


def asked(site: Site) -> list[tuple[str, str, str | None]]:
    """The restores that were asked for."""
    found = [each.data for each in site.front.bus.published]
    return [(each.backup, each.scope, each.app) for each in found if isinstance(each, e.RestoreRequested)]


def test_an_application_is_restored_and_its_restore_followed_by_the_snapshots_name(site: Site) -> None:
    said = site.said("POST", f"/api/v1/app/shop/snapshot/restore/{FULL}")
    assert said["success"]
    assert asked(site) == [(FULL, "applications", "shop")]
    begin(site, said["restoreName"])
    assert site.said("GET", "/api/v1/app/shop/snapshot/restore/status") == {
        "status": "running",
        "restore_name": said["restoreName"],
        "error": "",
    }
    running = site.said("GET", f"/api/v1/app/shop/snapshot/restore/{FULL}")
    assert (running["active"], running["restoreDetail"]["phase"]) == (True, "InProgress")
    finish(site, said["restoreName"], "PartiallyFailed")
    ended = site.said("GET", f"/api/v1/app/shop/snapshot/restore/{said['restoreName']}")
    assert (ended["active"], ended["restoreDetail"]["phase"]) == (False, "PartiallyFailed")
    assert site.said("GET", "/api/v1/app/shop/snapshot/restore/status")["status"] == ""


def test_nothing_is_restored_twice_at_once_and_nothing_that_is_not_there(site: Site) -> None:
    begin(site, "r-bcdfg")
    said = site.refused("POST", f"/api/v1/app/shop/snapshot/restore/{FULL}", 409)
    assert "r-bcdfg is restoring shop already" in said["detail"]
    site.refused("POST", f"/api/v1/snapshot/{FULL}/restore-apps", 409, json={"appSlugs": ["wiki", "shop"]})
    site.refused("POST", f"/api/v1/app/mail/snapshot/restore/{FULL}", 404)
    site.refused("POST", "/api/v1/app/shop/snapshot/restore/instance-zzzzz", 404)
    site.refused("GET", "/api/v1/app/wiki/snapshot/restore/r-bcdfg", 404)
    assert asked(site) == []


def test_cancelling_ends_the_restore_that_runs_and_is_no_mistake_where_none_does(site: Site) -> None:
    begin(site, "r-bcdfg")
    begin(site, "r-cdfgh", app="wiki")
    assert site.ask("DELETE", "/api/v1/app/shop/snapshot/restore").status_code == 204
    assert [job.name for job in site.front.bus.cancelled] == ["r-bcdfg"]
    finish(site, "r-bcdfg", "Cancelled")
    assert site.ask("DELETE", "/api/v1/app/shop/snapshot/restore").status_code == 204
    assert len(site.front.bus.cancelled) == 1


def test_applications_are_restored_out_of_a_full_snapshot_all_or_some(site: Site) -> None:
    everything = site.said("POST", f"/api/v1/snapshot/{FULL}/restore-apps", json={"restoreAll": True})
    assert [each["appSlug"] for each in everything["restores"]] == ["shop", "wiki"]
    assert len({each["restoreName"] for each in everything["restores"]}) == 1
    one = site.said("POST", f"/api/v1/snapshot/{FULL}/restore-apps", json={"restoreAll": False, "appSlugs": ["wiki"]})
    assert [each["appSlug"] for each in one["restores"]] == ["wiki"]
    assert asked(site) == [(FULL, "applications", None), (FULL, "applications", "wiki")]
    assert "restoreAll" in site.refused("POST", f"/api/v1/snapshot/{FULL}/restore-apps", 422, json={})["detail"]


def test_how_far_each_application_is_and_new_is_what_was_not_begun(site: Site) -> None:
    begin(site, "r-bcdfg")
    said = site.said("POST", f"/api/v1/snapshot/{FULL}/apps-restore-status", json={"checkAll": True})
    assert [(each["appSlug"], each["restoreDetail"]["phase"]) for each in said["statuses"]] == [
        ("shop", "InProgress"),
        ("wiki", "New"),
    ]


def test_the_volumes_of_a_restore_are_told_with_how_far_they_are(site: Site) -> None:
    begin(site, "instance-bcdfg-xyz24")
    job, store = restore("instance-bcdfg-xyz24"), site.front.store
    wanted = [VolumeRestore.model_validate({**VOLUME, "claim": claim, "name": claim}) for claim in ("a", "b", "c", "d")]
    plan = {"name": job.name, "request": "q", "backup": FULL, "manifest": "m", "objects": 1, "volumes": wanted}
    ledger.create(store, keys.plan(job), RestorePlan.model_validate(plan))
    damage = Message(code="Damaged", text="a chunk is missing")
    for result in (
        VolumeResult(volume="shop/a", bytes=1000, finished_at=NOON),
        VolumeResult(volume="shop/b", bytes=400, finished_at=NOON, errors=[damage]),
    ):
        ledger.create(store, keys.volume_result(job, result.volume), result)
    ledger.put(store, keys.slices(job, "shop/c"), WriteState(slice=1))
    path = f"/api/v1/app/shop/snapshot/restore/{job.name}"
    volumes = site.said("GET", path)["restoreDetail"]["volumes"]
    assert [(each["name"], each["phase"], each["completionPercent"]) for each in volumes] == [
        ("shop/a", "Completed", 100),
        ("shop/b", "Failed", 40),
        ("shop/c", "InProgress", 0),
        ("shop/d", "New", 0),
    ]
    assert [each["finishedAt"] for each in volumes[:3]] == ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z", None]
    assert (volumes[0]["podName"], volumes[0]["podVolumeName"], volumes[0]["doneBytesHuman"]) == ("db-0", "a", "1kB")
    finish(site, job.name, "PartiallyFailed")
    ended = site.said("GET", path)["restoreDetail"]["volumes"]
    assert [each["phase"] for each in ended] == ["Completed", "Failed", "Failed", "Failed"]
