"""Which of many things a search means."""

from datetime import timedelta

import pytest

from producers.views.search.matching import KINDS, Thing, hits
from tests.support.front import NOON

THINGS = [
    Thing("application", "shop", "The Shop", ("shop-namespace",), {"kots.io/app-slug": "shop", "app": "shop"}, "shop"),
    Thing("application", "workshop", "Workshop", (), {"app": "workshop"}, "workshop"),
    Thing("snapshot", "shop-bcdfg", "", ("Partial snapshot of shop",), {"app": "shop"}, "shop", NOON, "Completed"),
    Thing("snapshot", "instance-shopp", "", ("Full snapshot",), {}, None, NOON - timedelta(days=1), "Failed"),
    Thing("page", "Settings & Schedule", "", ("storage", "retention")),
]


def names(query: str) -> list[str]:
    return [thing.name for group in hits(query, THINGS) for thing in group.things]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("shop", ["shop", "workshop", "shop-bcdfg", "instance-shopp"]),
        ("SHOP full", ["instance-shopp"]),
        ("the", ["shop"]),
        ("retention", ["Settings & Schedule"]),
        ("failed", ["instance-shopp"]),
        ("app=shop", ["shop", "shop-bcdfg"]),
        ("kots.io/app-slug=SHOP", ["shop"]),
        ("app=shop completed", ["shop-bcdfg"]),
        ("app=sho", []),
        ("", []),
        ("   ", []),
        ("nothing", []),
        ("*", []),
        ("shop " * 500, ["shop", "workshop", "shop-bcdfg", "instance-shopp"]),
    ],
)
def test_a_search_finds_what_has_all_its_words(query: str, found: list[str]) -> None:
    assert names(query) == found


def test_the_name_itself_stands_before_its_beginning_and_that_before_its_middle() -> None:
    many = [Thing("snapshot", name) for name in ("a-shop", "shop-b", "shop")]
    assert [thing.name for thing in hits("shop", many)[0].things] == ["shop", "shop-b", "a-shop"]


def test_the_newest_stands_first_and_the_rest_is_counted() -> None:
    many = [Thing("snapshot", f"shop-{day:02}", at=NOON - timedelta(days=day)) for day in range(30)]
    [group] = hits("shop", many)
    assert [thing.name for thing in group.things] == [f"shop-{day:02}" for day in range(10)]
    assert group.more == 20


def test_kinds_come_in_one_order() -> None:
    many = [Thing(kind, "same") for kind in reversed(KINDS)]
    assert [group.kind for group in hits("same", many)] == list(KINDS)
