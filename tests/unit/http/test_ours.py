"""Our own routes: what any front can see and do, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import events as e
from schemas.errors import TransientError
from schemas.job import backup
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON
from workers.retention import holds

FULL, PARTIAL = "instance-bcdfg", "shop-bcdfg"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.register("shop")
        made.front.begin(FULL)
        made.front.finish(FULL, apps=[{"slug": "shop"}, {"slug": "wiki"}])
        made.front.begin(PARTIAL)
        made.front.finish(PARTIAL, app="shop", requested_at=NOON - timedelta(hours=1))
        yield made


def names(page: Any) -> list[str]:
    return [each["name"] for each in page["items"]]


def test_a_list_is_read_a_part_at_a_time_and_nothing_twice(site: Site) -> None:
    for number in range(5):
        site.front.begin(f"shop-bbbb{'bcdfg'[number]}")
        site.front.finish(f"shop-bbbb{'bcdfg'[number]}", app="shop", requested_at=NOON - timedelta(days=1))
    first = site.said("GET", "/api/v1/backups?limit=4")
    assert (len(first["items"]), first["total"]) == (4, 7)
    site.front.begin("shop-zzzzz")  # which is newer than all of them, and pushes them on
    second = site.said("GET", f"/api/v1/backups?limit=4&cursor={first['next']}")
    assert second["next"] is None
    assert len(set(names(first) + names(second))) == 7


def test_a_list_is_narrowed_and_a_wrong_question_is_told_where_it_is_wrong(site: Site) -> None:
    assert names(site.said("GET", "/api/v1/backups?app=wiki")) == [FULL]
    assert names(site.said("GET", "/api/v1/backups?status=failed")) == []
    assert names(site.said("GET", f"/api/v1/backups?since={NOON.isoformat().replace('+00:00', 'Z')}")) == [FULL]
    for query, where in (("limit=0", "query.limit"), ("limt=1", "query.limt"), ("since=then", "query.since")):
        [wrong] = site.refused("GET", f"/api/v1/backups?{query}", 400)["wrong"]
        assert wrong["where"] == where
    assert "cursor" in site.refused("GET", "/api/v1/backups?cursor=x", 400)["detail"]
    assert "no status" in site.refused("GET", "/api/v1/backups?status=odd", 400)["detail"]


def test_who_has_grants_sees_and_does_what_is_theirs(site: Site) -> None:
    assert names(site.said("GET", "/api/v1/backups", "shop-only")) == [PARTIAL]
    site.said("GET", f"/api/v1/backups/{PARTIAL}", "shop-only")
    site.refused("GET", f"/api/v1/backups/{FULL}", 403, "shop-only")
    site.said("POST", "/api/v1/backups", "shop-only", 202, json={"app": "shop"})
    site.refused("POST", "/api/v1/backups", 403, "shop-only", json={"app": "wiki"})
    site.refused("POST", "/api/v1/backups", 403, "shop-only")
    site.said("POST", "/api/v1/restores", "shop-only", 202, json={"backup": FULL, "app": "shop"})
    for asked in ({"backup": FULL}, {"backup": FULL, "app": "wiki"}, {"backup": FULL, "app": "nope"}):
        site.refused("POST", "/api/v1/restores", 403, "shop-only", json=asked)
    assert len(site.front.bus.published) == 2
    assert site.said("GET", "/api/v1/whoami", "shop-only")["apps"] == ["shop"]


def test_a_backup_is_taken_as_asked_and_the_same_id_is_the_same_job(site: Site) -> None:
    asked = {"app": "shop", "ttl": "1 month", "id": "nightly-7"}
    first = site.said("POST", "/api/v1/backups", status=202, json=asked)
    again = site.said("POST", "/api/v1/backups", status=202, json=asked)
    assert again.pop("asked_at") >= first.pop("asked_at")
    assert first == again
    assert (first["request"], first["kind"], first["destination"]) == ("nightly-7", "backup", "default")
    assert site.front.bus.published[0].data == e.BackupRequested(app="shop", ttl="720h", destination="default")
    assert "length of time" in site.refused("POST", "/api/v1/backups", 400, json={"ttl": "ages"})["detail"]
    [wrong] = site.refused("POST", "/api/v1/backups", 422, json={"aap": "shop"})["wrong"]
    assert wrong["where"] == "body.aap"


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b'{"app": "\\ud800"}', b"\xff", b'"text"', b"null", b"[]"])
def test_what_is_no_json_or_not_what_is_asked_for_is_refused(site: Site, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = site.ask("POST", "/api/v1/restores", content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert site.ask("POST", "/api/v1/restores", data={"backup": FULL}).status_code == 415
    assert site.front.bus.published == []


def test_a_body_has_an_end(site: Site) -> None:
    said = site.refused("POST", "/api/v1/backups", 413, content=b" " * 300_000)
    assert "longer than" in said["detail"]


def test_an_answer_that_did_not_change_is_not_sent_again(site: Site) -> None:
    first = site.ask("GET", "/api/v1/backups")
    tag = first.headers["etag"]
    for shown in (tag, f'W/{tag}, "other"'):
        again = site.ask("GET", "/api/v1/backups", headers={"If-None-Match": shown})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    site.front.begin("shop-zzzzz")
    assert site.ask("GET", "/api/v1/backups", headers={"If-None-Match": tag}).status_code == 200


def test_a_hold_keeps_a_backup(site: Site) -> None:
    held = site.said("PUT", f"/api/v1/backups/{FULL}/hold", json={"reason": "for the auditors"})
    assert held["reason"] == "for the auditors"
    said = site.refused("DELETE", f"/api/v1/backups/{FULL}", 409)
    assert (said["code"], said["what_to_do"]) == ("BackupHeld", f"DELETE /api/v1/backups/{FULL}/hold lets it go")
    assert site.ask("DELETE", f"/api/v1/backups/{FULL}/hold").status_code == 204
    assert holds.held(site.front.store, backup(FULL)) is None
    site.said("DELETE", f"/api/v1/backups/{FULL}", status=202)


def test_a_job_is_looked_at_cancelled_and_its_log_is_read(site: Site) -> None:
    site.front.begin("shop-zzzzz")
    assert site.said("GET", "/api/v1/jobs/shop-zzzzz")["ended"] is False
    assert site.ask("POST", "/api/v1/jobs/shop-zzzzz/cancel").status_code == 204
    assert [job.name for job in site.front.bus.cancelled] == ["shop-zzzzz"]
    assert site.refused("POST", f"/api/v1/jobs/{FULL}/cancel", 409)["code"] == "AlreadyEnded"
    assert site.said("GET", f"/api/v1/jobs/{FULL}/log")[0]["level"] == "info"


def test_what_can_be_asked_of_a_backup_is_asked(site: Site) -> None:
    site.said("POST", f"/api/v1/backups/{FULL}/verify", status=202, json={"depth": "sample"})
    site.said("POST", f"/api/v1/backups/{FULL}/test-restore", status=202, json={"app": "shop"})
    assert [type(each.data) for each in site.front.bus.published] == [
        e.BackupVerifyRequested,
        e.BackupTestRestoreRequested,
    ]
    assert site.refused("POST", f"/api/v1/backups/{FULL}/copies", 404, json={"to": "nas"})["code"] == "NoDestination"


def test_schedules_and_retention_are_set_shown_and_taken_away(site: Site) -> None:
    made = site.said("PUT", "/api/v1/schedules/nightly", json={"expression": "0 2 * * *", "app": "shop"})
    assert made["set"]["app"] == "shop"
    assert site.said("POST", "/api/v1/schedules/nightly/pause")["next"] == []
    assert len(site.said("POST", "/api/v1/schedules/nightly/resume")["next"]) == 5
    site.said("POST", "/api/v1/schedules/nightly/run", "shop-only", 202)
    assert [each["set"]["name"] for each in site.said("GET", "/api/v1/schedules")] == ["nightly"]
    assert site.ask("DELETE", "/api/v1/schedules/nightly").status_code == 204
    site.said("PUT", "/api/v1/retention/app/shop", json={"keep_last": 3})
    [kept] = site.said("GET", "/api/v1/retention")
    assert (kept["scope"], kept["rules"]["keep_last"]) == ("app/shop", 3)
    goes = site.said("POST", "/api/v1/retention/preview", json={"rules": {"instance": {"keep_last": 1}}})
    assert {each["name"] for each in goes} == {FULL, PARTIAL}
    site.refused("PUT", "/api/v1/retention/everything", 400, json={"keep_last": 3})
    assert site.ask("DELETE", "/api/v1/retention/app/shop").status_code == 204


def test_applications_and_destinations_are_shown_without_secrets(site: Site) -> None:
    [app] = site.said("GET", "/api/v1/applications")
    assert app["slug"] == "shop"
    [destination] = site.said("GET", "/api/v1/destinations")
    assert destination["is_default"]
    assert "passphrase" not in site.said("GET", "/api/v1/destinations/default")
    checked = site.said("POST", "/api/v1/destinations/default/check")
    assert all(each["ok"] for each in checked)


def test_a_broker_that_is_away_is_said_and_where_it_is_is_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: e.AnyEvent) -> None:
        raise TransientError("RabbitMQ does not answer", place="10.0.0.7")

    monkeypatch.setattr(site.front.bus, "publish", away)
    answer = site.ask("POST", "/api/v1/backups")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "RabbitMQ does not answer"
    assert "again" in answer.json()["what_to_do"]


def test_a_fault_of_ours_is_a_problem_without_a_traceback(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.front.session, "store", lambda _="": 1 / 0)
    said = site.refused("GET", "/api/v1/backups", 500)
    assert (said["code"], said["detail"]) == ("Fault", "something went wrong here; the server's log says what")
