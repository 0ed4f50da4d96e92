"""The console over twins as browsers meet it that nobody has signed in: with its door, and passwords that are cheap."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from starlette.testclient import TestClient

from producers.access import users
from producers.access.assembly import doorkeeper
from producers.access.identity import Role
from producers.access.passwords import Passwords
from producers.access.users import ADMIN, User
from producers.console.app import application
from producers.console.live import Hub
from producers.console.needs import Needs
from producers.session import Session
from tests.support.front import NOON, Front

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a quite ordinary password"
OTHER = "another rather ordinary one"


@dataclass
class Time:
    """The same clock for moments and for seconds."""

    now: datetime = NOON

    def moment(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Gate:
    """A console with a door. `again` is the same one after a restart, or beside it."""

    front: Front
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.session: Session = self.front.session
        self.door = doorkeeper(self.session, self.time.moment, self.time.seconds, Passwords(CHEAP))
        hub = Hub(self.session.events)
        needs = Needs(self.session, self.door, hub, self.time.moment, development=True, door=self.door)
        self.app = application(needs)

    def again(self) -> "Gate":
        return Gate(self.front, self.time)

    def user(
        self,
        name: str = ADMIN,
        role: Role = "cluster-admin",
        apps: frozenset[str] | None = None,
        password: str = PASSWORD,
        *,
        change: bool = False,
    ) -> User:
        """Somebody who may sign in."""
        made = User(name, role, apps, CHEAP.hash(password), change)
        users.put(self.session, made)
        return made

    def browser(self, cookies: Mapping[str, str] | None = None, **how: Any) -> "Browser":
        """One that has no cookie but these, and follows no redirect by itself."""
        client = TestClient(self.app, follow_redirects=False, **how)
        for name, value in (cookies or {}).items():
            client.cookies.set(name, value, domain="testserver.local", path="/")
        return Browser(client)

    def signed_in(self, name: str = ADMIN, **how: Any) -> "Browser":
        """One in which somebody has signed in."""
        browser = self.browser(**how)
        answer = browser.sign_in(name)
        assert answer.status_code == 303, answer.text
        return browser


def gate(tmp: Path, **settings: Any) -> Gate:
    """A console where nobody is known yet."""
    return Gate(Front(tmp, **settings))


@dataclass
class Browser:
    """Asks as a browser would."""

    client: TestClient

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def post(self, path: str, values: dict[str, Any] | None = None, *, csrf: str | None = None, **headers: str) -> Any:
        """A form; with the token of the page that is open, unless another one is given."""
        token = self.csrf() if csrf is None else csrf
        return self.client.post(path, data={"csrf": token, **(values or {})}, headers=headers)

    def csrf(self) -> str:
        """The token in the forms of this browser."""
        for path in ("/account", "/sign-in"):
            found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.client.get(path).text)
            if found:
                return found[1]
        raise AssertionError("no form here has a token")

    def sign_in(self, name: str = ADMIN, password: str = PASSWORD, next: str = "/", **headers: str) -> Any:
        """What comes of trying."""
        self.client.get("/sign-in")
        return self.post("/sign-in", {"name": name, "password": password, "next": next}, **headers)

    @property
    def is_signed_in(self) -> bool:
        """Whether pages are shown."""
        return bool(self.client.get("/account").status_code == 200)

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self.client.cookies.items())
