"""The audit trail has every act, whatever came of it."""

from pathlib import Path

import pytest

from producers.access.identity import Identity
from schemas import events as e
from tests.support.console import TOKEN, Console
from tests.support.front import NOON


def _trail(console: Console) -> list[tuple[str, str, str, str]]:
    told = [event.data for event in console.front.bus.audited]
    return [(each.who, each.act, each.on, each.outcome) for each in told if isinstance(each, e.AuditRecorded)]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """With one snapshot, `b`."""
    made = Console(tmp_path)
    made.front.finish("b", requested_at=NOON)
    return made


def test_an_act_is_on_record_with_what_it_was_on_and_what_came_of_it(console: Console) -> None:
    console.browser.post("/snapshots/inside/b/reveal", data={"csrf": TOKEN, "kind": "Secret", "object": "db"})
    console.browser.get("/snapshots/inside/b/file", params={"volume": "shop/data", "path": "a"})
    assert _trail(console) == [
        ("admin", "reveal", "/snapshots/inside/b/reveal kind=Secret object=db", "failed"),
        ("admin", "download", "/snapshots/inside/b/file volume=shop/data path=a", "failed"),
    ]


def test_what_is_refused_is_on_record_too(console: Console) -> None:
    console.access.who = Identity("sam", "support")
    console.browser.post("/snapshots/inside/b/reveal", data={"csrf": TOKEN, "kind": "Secret", "object": "db"})
    assert [(who, act, outcome) for who, act, _, outcome in _trail(console)] == [("sam", "reveal", "refused")]


def test_a_form_from_elsewhere_is_on_record(console: Console) -> None:
    console.browser.post("/snapshots/inside/b/reveal", data={"csrf": "another", "kind": "Secret"})
    assert [(act, outcome) for _, act, _, outcome in _trail(console)] == [("reveal", "refused")]


def test_to_look_at_a_page_is_no_act_nor_to_be_asked_first(console: Console) -> None:
    console.get("/styleguide")
    console.get("/snapshots/details/b/delete")
    assert _trail(console) == []
