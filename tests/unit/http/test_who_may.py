"""Who may ask for what: by role, by grants, by token or by cookie; and what is said to those who may not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.http import routes
from producers.http.api.operation import Operation
from tests.support import api
from tests.support.api import COOKIE, FORM_TOKEN, Site

FULL = "instance-bcdfg"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.front.begin(FULL)
        made.front.finish(FULL, apps=[{"slug": "shop"}, {"slug": "wiki"}])
        made.front.begin("wiki-bcdfg")
        made.front.finish("wiki-bcdfg", app="wiki")
        yield made


def path_of(operation: Operation, **named: str) -> str:
    """A path of that operation."""
    known = {"app": "wiki", "name": FULL, "other": FULL, **named}
    path = operation.shown_path
    for name in operation.in_path:
        path = path.replace(f"{{{name}}}", known.get(name, "x"))
    return path


def test_nobody_is_served_without_a_name(site: Site) -> None:
    for operation in routes.TABLE:
        answer = site.client.request(operation.method, path_of(operation))
        assert (answer.status_code, answer.json()["code"]) == (401, "NotSignedIn"), operation.id
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert site.front.bus.published == []


def test_support_changes_nothing(site: Site) -> None:
    for operation in routes.TABLE:
        if operation.permission != "view":
            said = site.refused(operation.method, path_of(operation), 403, "support")
            assert said["code"] == "NotPermitted"
    assert site.front.bus.published == []


def test_what_concerns_everything_or_another_application_is_not_for_those_with_grants(site: Site) -> None:
    for operation in routes.TABLE:
        if operation.about != "found":
            site.refused(operation.method, path_of(operation, app="wiki"), 403, "shop-only")


@pytest.mark.parametrize("name", [FULL, "wiki-bcdfg"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/logs"), ("POST", "/delete"), ("POST", "/restore-apps"), ("POST", "/apps-restore-status")],
)
def test_nor_is_a_snapshot_that_holds_another_application(site: Site, method: str, path: str, name: str) -> None:
    more = {"json": {"restoreAll": True, "checkAll": True}} if method == "POST" and path != "/delete" else {}
    answer = site.ask(method, f"/api/v1/snapshot/{name}{path}", "shop-only", **more)
    assert answer.status_code == 403
    assert site.front.bus.published == []


def test_kots_own_way_of_showing_a_token_is_taken(site: Site) -> None:
    for header in ("Bearer admin", "bearer admin", "Kots admin", "admin"):
        assert site.client.get("/api/v1/snapshots", headers={"Authorization": header}).status_code == 200
    for header in ("Basic YTpi", "Bearer nobody", "Bearer ", "", "Kots"):
        assert site.client.get("/api/v1/snapshots", headers={"Authorization": header}).status_code == 401


def test_a_browser_changes_something_only_from_a_page_of_ours(site: Site) -> None:
    cookie = {"Cookie": f"{COOKIE}=admin"}
    assert site.client.get("/api/v1/snapshots", headers=cookie).status_code == 200
    for shown in ({}, {"X-CSRF-Token": "other"}, {"X-CSRF-Token": ""}):
        refused = site.client.post("/api/v1/snapshot/backup", headers={**cookie, **shown})
        assert (refused.status_code, refused.json()["code"]) == (403, "NotPermitted")
    assert site.front.bus.published == []
    taken = site.client.post("/api/v1/snapshot/backup", headers={**cookie, "X-CSRF-Token": FORM_TOKEN})
    assert taken.status_code == 200


def test_a_token_counts_before_a_cookie(site: Site) -> None:
    headers = {"Cookie": f"{COOKIE}=admin", "Authorization": "Bearer nobody"}
    assert site.client.get("/api/v1/snapshots", headers=headers).status_code == 401
