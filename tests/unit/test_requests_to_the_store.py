"""How often a backup asks the object store: what a flood of them costs is mostly that."""

from collections import Counter
from typing import Any

import pytest

from schemas import events as e
from tests.support.world import World
from workers.adapters.twins.store import MemoryObjectStore

MOST = {"backup.requested.v1": 9, "backup.licensed.v1": 12, "backup.planned.v1": 9}
"""Requests that a backup without volumes makes, by what its steps hear. Two look whether it has ended while its
applications were claimed: what was claimed after that, nobody else would give back."""


def test_a_backup_asks_the_store_for_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    world, hears, asked = World(), "backup.requested.v1", Counter[str]()
    world.register("shop")

    def counted(name: str) -> Any:
        really = getattr(MemoryObjectStore, name)

        def ask(self: MemoryObjectStore, *rest: Any, **named: Any) -> Any:
            asked[hears] += 1
            return really(self, *rest, **named)

        return ask

    for name in ("get", "put", "create", "list", "names", "delete"):
        monkeypatch.setattr(MemoryObjectStore, name, counted(name))
    told = world.request(e.BackupRequested(app="shop"))
    while told and not isinstance(told[0], e.FINAL):
        [event] = told
        hears = event.type
        told = list(world.hear(event))
    assert [type(event) for event in told] == [e.BackupPartiallyFailed]  # as there is nothing in this cluster
    assert {hears: asked[hears] - most for hears, most in MOST.items() if asked[hears] > most} == {}
    assert set(asked) == set(MOST)
