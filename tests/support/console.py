"""The console over twins, for one who is signed in: ask it for pages as a browser would."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.testclient import TestClient

from producers.access.identity import Identity
from producers.console.app import application
from producers.console.live import Hub
from producers.console.needs import Needs
from schemas.errors import Denied
from tests.support.front import NOON, Front

ADMIN = Identity("admin", "cluster-admin")
TOKEN = "of this session"


class SignedIn:
    """Always the same one is signed in; None is nobody."""

    def __init__(self, who: Identity | None = ADMIN) -> None:
        self.who = who

    def identity(self, request: Request) -> Identity | None:
        return self.who

    def form_token(self, request: Request) -> str:
        return TOKEN

    def check_form(self, request: Request, form: FormData) -> None:
        if form.get("csrf") != TOKEN:
            raise Denied("the form is from no page of this session")


class Console:
    """The application over a `Front`, and a browser for it that follows no redirect by itself."""

    def __init__(self, tmp: Path, who: Identity | None = ADMIN, now: datetime = NOON, **settings: Any) -> None:
        self.front = Front(tmp, **settings)
        self.access = SignedIn(who)
        self.now = now
        hub = Hub(self.front.session.events)
        self.app: Starlette = application(Needs(self.front.session, self.access, hub, lambda: self.now, True))
        self.browser = TestClient(self.app, follow_redirects=False, raise_server_exceptions=True)

    def get(self, path: str, status: int = 200, /, **query: str) -> "Page":
        """The page there, whose status is checked."""
        answer = self.browser.get(path, params=query or None)
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
        return read(answer.text)

    def post(self, path: str, values: Mapping[str, Any] | None = None, status: int = 303) -> "Page":
        """What a form brings about: where it leads to is `.location`."""
        answer = self.browser.post(path, data={"csrf": TOKEN, **(values or {})})
        assert answer.status_code == status, (answer.status_code, answer.text[:2000])
        page = read(answer.text)
        page.location = answer.headers.get("location", "")
        return page


@dataclass
class Page:
    """`html` as it came; `text` as a person reads it, in one line."""

    html: str
    text: str = ""
    by_id: dict[str, str] = field(default_factory=dict)
    location: str = ""

    def test_id(self, name: str) -> str:
        """The text of what has that test id. Fails if there is none."""
        assert name in self.by_id, f"no {name} among {sorted(self.by_id)}"
        return self.by_id[name]

    def has(self, name: str) -> bool:
        """Whether something has that test id."""
        return name in self.by_id


VOID = {"input", "br", "img", "hr", "meta", "link", "source", "wbr"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None, list[str]]] = []
        self.said: list[str] = []
        self.by_id: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("data-testid")
        if name:
            self.by_id.setdefault(name, "")
        if tag not in VOID:
            self.open.append((tag, name, []))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            opened, name, said = self.open.pop()
            if name and not self.by_id[name]:
                self.by_id[name] = _line(said)
            if opened == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] in {"style", "script", "title"}:
            return
        self.said.append(data)
        for _, _, said in self.open:
            said.append(data)


def read(html: str) -> Page:
    """A page, taken apart."""
    reader = _Reader()
    reader.feed(html)
    return Page(html, _line(reader.said), reader.by_id)


def _line(said: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(said)).strip()
