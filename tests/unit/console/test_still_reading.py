"""What takes long to read the first time is said to be read still: never an empty list, never that all is well."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from producers.console.kept_home import KeptHome, kept_home
from producers.console.needs import Needs
from schemas.kubernetes import SECRETS, Object, ResourceType
from tests.support.console import Console
from tests.support.line import until

LOOKS = 0.01
"""Seconds that a request waits in these tests."""


@pytest.fixture
def console(tmp_path: Path) -> Console:
    made = Console(tmp_path)
    made.front.back_up("instance-bcdfg")
    needs: Needs = made.app.state.needs
    made.app.state.needs = replace(needs, patience=LOOKS, glance=LOOKS)
    return made


@contextmanager
def held_up(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing can be read of the store while the context lasts."""
    go = threading.Event()
    objects, listed = console.front.objects, console.front.objects.list

    def waits(prefix: str) -> object:
        go.wait()
        return listed(prefix)

    with monkeypatch.context() as patched:
        patched.setattr(objects, "list", waits)
        try:
            yield
        finally:
            go.set()


@contextmanager
def home_held_up(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who reads home gets no registrations while the context lasts."""
    go, listed = threading.Event(), console.front.cluster.list

    def waits(type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        if type_ == SECRETS and threading.current_thread().name.startswith("home"):
            go.wait()
        return listed(type_, namespace, selector)

    with monkeypatch.context() as patched:
        patched.setattr(console.front.cluster, "list", waits)
        try:
            yield
        finally:
            go.set()


@pytest.mark.parametrize("path", ["/", "/snapshots"])
def test_the_first_look_says_that_it_is_still_being_read(
    console: Console, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_up(console, monkeypatch):
        page = console.get(path)
        assert page.has("still-reading")
        assert "Everything is backed up" not in page.text
        assert "No snapshots yet" not in page.text
        assert '<meta http-equiv="refresh"' in page.html
    until(lambda: not console.get(path).has("still-reading"), "it is read")
    until(lambda: "instance-bcdfg" in console.get("/snapshots").text, "the list is there")


def test_a_list_does_not_wait_for_its_strip(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: console.get("/snapshots").has("last-30-days"), "the strip is there")
    home: KeptHome = console.app.state.shared[kept_home]
    with home_held_up(console, monkeypatch):
        home.keeper.forget()
        assert console.get("/snapshots").has("last-30-days")  # as it was last known


def test_reading_begins_with_the_console_and_not_with_the_first_who_looks(console: Console) -> None:
    with TestClient(console.app):
        until(lambda: console.app.state.shared[kept_home].is_read(), "home is read")
