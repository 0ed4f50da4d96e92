"""The document says what the code does: both are the table."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from producers.http import routes
from producers.http.api.remedies import REMEDIES
from tests.support import api
from tests.support.api import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        yield made


def test_the_document_has_the_routes_that_are_served_and_no_other(site: Site) -> None:
    paths = {
        route.path.replace(":path}", "}")
        for route in site.app.routes
        if isinstance(route, Route) and route.path.startswith("/api/v1/") and "openapi" not in route.path
    }
    assert paths == site.document["paths"].keys()
    for path, methods in site.document["paths"].items():
        answer = site.client.request("PATCH", path, headers={"Authorization": "Bearer admin"})
        assert answer.status_code == 405
        assert sorted(answer.headers["allow"].lower().split(", ")) == sorted(methods)


def test_every_name_in_the_document_is_one_operations(site: Site) -> None:
    ids = [each["operationId"] for methods in site.document["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))
    for methods in site.document["paths"].values():
        for each in methods.values():
            assert each["summary"]
            assert each["x-permission"]


def test_the_document_refers_to_nothing_that_it_does_not_have(site: Site) -> None:
    text = json.dumps(site.document)
    refers = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert refers <= site.document["components"]["schemas"].keys()


def test_anybody_may_read_it(site: Site) -> None:
    for path in routes.DOCUMENT_PATHS:
        assert site.client.get(path).json() == site.document


def test_a_function_takes_what_its_path_names() -> None:
    for each in routes.TABLE:
        wanted = each.takes - {"call", "_", "query", "body"}
        assert wanted <= set(each.in_path), each.path
        assert each.about != "app" or "app" in each.in_path, each.path


def test_remedies_name_routes_that_there_are() -> None:
    paths = {(each.method, each.shown_path) for each in routes.TABLE}
    for text in REMEDIES.values():
        words = text.replace("{subject}", "NAME").replace(";", "").replace(",", "").split()
        for method, path in itertools.pairwise(words):
            if method in ("GET", "POST", "PUT", "DELETE") and path.startswith("/api/"):
                assert any(m == method and api._fits(p.split("/"), path.split("/")) for m, p in paths), text


def test_what_is_not_there_is_a_problem_too(site: Site) -> None:
    for method, path, status in (("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/snapshots", 405)):
        answer = site.client.request(method, path, headers={"Authorization": "Bearer admin"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "NoSuchRoute"
