"""KOTS' routes about restores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import restore
from schemas.records import RestoreRecord, RestoreRequest
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON
from workers.jobs import ledger

FULL = "instance-bcdfg"


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
