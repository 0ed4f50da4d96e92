"""`/search`, and the part of it that the palette shows."""

from pathlib import Path

import pytest

from producers.access.identity import Identity
from schemas import application, schedule
from schemas.application import Application
from schemas.errors import TransientError
from schemas.kubernetes import CONFIG_MAPS, NAMESPACES, SECRETS, Object, ResourceType
from schemas.schedule import Schedule
from tests.support.console import ADMIN, Console


def console(tmp: Path, who: Identity = ADMIN) -> Console:
    of = Console(tmp, who=who)
    cluster, where = of.front.cluster, of.front.session.settings.console_namespace
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}})
    for slug in ("shop", "wiki"):
        cluster.create(SECRETS, application.to_secret(Application(slug=slug, name=f"The {slug}"), where))
    plan = Schedule(name="nightly-shop", expression="0 2 * * *", app="shop")
    cluster.create(CONFIG_MAPS, schedule.to_config_map(plan, where))
    for name, app in (("shop-bcdfg", "shop"), ("wiki-bcdfg", "wiki"), ("instance-bcdfg", None)):
        of.front.begin(name)
        of.front.finish(name, app=app)
    return of


def places(of: Console, query: str) -> list[str]:
    html = of.get("/search", q=query).html.partition('id="hits"')[2]
    return [each.partition('"')[0] for each in html.split('<a href="')[1:] if "data-hit" in each.partition(">")[0]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("shop", ["/snapshots/partial/shop", "/snapshots/settings", "/snapshots/partial/shop/shop-bcdfg"]),
        ("instance", ["/snapshots", "/snapshots/details/instance-bcdfg"]),
        ("kots.io/app-slug=wiki", ["/snapshots/partial/wiki", "/snapshots/partial/wiki/wiki-bcdfg"]),
        ("license", ["/license"]),
        ("default", ["/snapshots/settings"]),
    ],
)
def test_everything_is_found_by_its_name_its_application_or_a_label(
    tmp_path: Path, query: str, found: list[str]
) -> None:
    assert places(console(tmp_path), query) == found


def test_an_empty_search_says_what_can_be_found(tmp_path: Path) -> None:
    assert "Type the name of a snapshot" in Console(tmp_path).get("/search").text
    assert "Nothing is called so" in Console(tmp_path).get("/search", q="nothing").text


def test_the_palette_gets_the_list_alone(tmp_path: Path) -> None:
    of = console(tmp_path)
    part = of.get("/search", q="shop", part="palette")
    assert part.html.lstrip().startswith('<div id="hits"')
    assert "<html" not in part.html
    page = of.get("/search")
    assert 'id="palette"' in page.html
    assert 'action="/search"' in page.html


def test_who_may_see_one_application_finds_nothing_of_the_others(tmp_path: Path) -> None:
    of = console(tmp_path, Identity("g", "cluster-admin", frozenset({"shop"})))
    assert places(of, "wiki") == []
    assert places(of, "bcdfg") == ["/snapshots/partial/shop/shop-bcdfg"]
    assert places(of, "default") == []
    assert places(of, "dead") == []
    support = console(tmp_path / "support", Identity("s", "support"))
    assert "/access" not in places(support, "users")
    assert "/snapshots/settings" not in places(support, "nightly")


def test_what_cannot_be_looked_through_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = console(tmp_path)

    def away(type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> list[Object]:
        raise TransientError("the API server does not answer")

    monkeypatch.setattr(of.front.cluster, "list", away)
    page = of.get("/search", q="shop")
    assert "The applications could not be looked through" in page.text
    assert "shop-bcdfg" in page.text


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}", "x" * 5000, "\x00"])
def test_hostile_searches_find_nothing_and_harm_nothing(tmp_path: Path, query: str) -> None:
    html = Console(tmp_path).get("/search", q=query).html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert len(html) < 20_000
