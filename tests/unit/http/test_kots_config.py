"""KOTS' routes about schedule and retention."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.views import schedules
from producers.views.retention import rules
from tests.support import api
from tests.support.api import Site

FULL, SHOP = "/api/v1/snapshot", "/api/v1/app/shop/snapshot"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.register("shop")
        yield made


def test_where_nothing_is_set_kots_shows_what_it_would_do(site: Site) -> None:
    for place in (FULL, SHOP):
        assert site.said("GET", f"{place}/config") == {
            "autoEnabled": False,
            "autoSchedule": {"schedule": "0 0 * * MON"},
            "ttl": {"inputValue": "1", "inputTimeUnit": "months", "converted": "720h"},
        }


@pytest.mark.parametrize(("place", "name", "app"), [(FULL, "instance", None), (SHOP, "shop", "shop")])
def test_a_schedule_is_set_and_paused(site: Site, place: str, name: str, app: str | None) -> None:
    body = {"appId": "x", "schedule": "0 2 * * *", "autoEnabled": True}
    assert site.said("PUT", f"{place}/schedule", json=body)["success"]
    kept = schedules.stored(site.front.session, name)
    assert (kept.expression, kept.app, kept.paused) == ("0 2 * * *", app, False)
    config = site.said("GET", f"{place}/config")
    assert (config["autoEnabled"], config["autoSchedule"]) == (True, {"schedule": "0 2 * * *"})
    site.said("PUT", f"{place}/schedule", json={"schedule": "0 2 * * *", "autoEnabled": False})
    assert schedules.stored(site.front.session, name).paused


def test_to_want_no_schedule_where_there_is_none_makes_none(site: Site) -> None:
    site.said("PUT", f"{FULL}/schedule", json={"schedule": "0 2 * * *", "autoEnabled": False})
    assert schedules.schedules(site.front.session) == []


@pytest.mark.parametrize("body", [{"schedule": "often", "autoEnabled": True}, {"autoEnabled": True}])
def test_a_schedule_that_is_none_is_refused(site: Site, body: dict[str, Any]) -> None:
    site.refused("PUT", f"{FULL}/schedule", 400, json=body)
    assert schedules.schedules(site.front.session) == []


@pytest.mark.parametrize(
    ("value", "unit", "length", "shown"),
    [("2", "weeks", "336h", ("2", "weeks")), (30, "weeks", "5040h", ("7", "months")), ("1", "years", "8766h", None)],
)
def test_retention_is_set_in_numbers_and_units(
    site: Site, value: object, unit: str, length: str, shown: tuple[str, str] | None
) -> None:
    for place, scope in ((FULL, "instance"), (SHOP, "app/shop")):
        site.said("PUT", f"{place}/retention", json={"inputValue": value, "inputTimeUnit": unit})
        [kept] = [each.rules for each in rules(site.front.session) if each.scope == scope]
        assert kept is not None
        assert kept.ttl == length
        ttl = site.said("GET", f"{place}/config")["ttl"]
        assert ttl["converted"] == length
        assert shown is None or (ttl["inputValue"], ttl["inputTimeUnit"]) == shown


@pytest.mark.parametrize(("value", "status"), [("0", 400), ("-1", 422), ("x", 422), (None, 422), (True, 422)])
def test_a_retention_that_is_none_is_refused(site: Site, value: object, status: int) -> None:
    site.refused("PUT", f"{FULL}/retention", status, json={"inputValue": value, "inputTimeUnit": "months"})
    site.refused("PUT", f"{FULL}/retention", 400, json={"inputValue": "1", "inputTimeUnit": "moons"})


def test_of_an_application_that_is_not_there_nothing_is_set(site: Site) -> None:
    body = {"schedule": "@daily", "autoEnabled": True}
    assert site.refused("PUT", "/api/v1/app/nope/snapshot/schedule", 404, json=body)["code"] == "NoSuchApplication"
