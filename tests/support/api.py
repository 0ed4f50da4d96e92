"""The HTTP API over twins: who asks is said by a token, which is the name of a role or of somebody with grants."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from producers.access.identity import Identity
from producers.actions import objects
from producers.http import routes
from producers.http.api.operation import Operation
from producers.http.api.serving import Needs
from schemas.application import Application, to_secret
from schemas.kubernetes import SECRETS
from tests.support.front import Front

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PEOPLE: Mapping[str, Identity] = {
    "admin": Identity("admin", "cluster-admin"),
    "operator": Identity("operator", "operator"),
    "support": Identity("support", "support"),
    "shop-only": Identity("shop-only", "operator", frozenset({"shop"})),
}
COOKIE, FORM_TOKEN = "session", "form-token-of-this-session"


class Doorkeeper:
    """Knows people by their names as tokens, and by a cookie that names them."""

    def identity(self, request: Request) -> Identity | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            assert scheme == "Bearer"
            return PEOPLE.get(token)
        return PEOPLE.get(request.cookies.get(COOKIE, ""))

    def form_token(self, request: Request) -> str:
        return FORM_TOKEN


class Site:
    """The API, and who asks there."""

    def __init__(self, front: Front) -> None:
        self.front = front
        needs = Needs(front.session, Doorkeeper(), lambda: NOW)
        self.app = Starlette(routes=routes.routes(needs))
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self.document = routes.document()

    def register(self, slug: str) -> None:
        """An application."""
        namespace = self.front.session.settings.console_namespace
        objects.apply(self.front.cluster, SECRETS, to_secret(Application(slug=slug, name=slug.title()), namespace))

    def ask(self, method: str, path: str, who: str = "admin", **more: Any) -> Any:
        """The answer, which is one that the document has."""
        headers = {"Authorization": f"Bearer {who}", **more.pop("headers", {})}
        answer = self.client.request(method, path, headers=headers, **more)
        check(self.document, method, path, answer)
        return answer

    def said(self, method: str, path: str, who: str = "admin", status: int = 200, **more: Any) -> Any:
        """The JSON of an answer with that status."""
        answer = self.ask(method, path, who, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def refused(self, method: str, path: str, status: int, who: str = "admin", **more: Any) -> dict[str, Any]:
        """The problem that is told."""
        answer = self.ask(method, path, who, **more)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def site(tmp_path: Path, **settings: Any) -> Iterator[Site]:
    """Over an empty world."""
    front = Front(tmp_path, **settings)
    with front.session:
        yield Site(front)


def operation_of(method: str, path: str) -> Operation | None:
    """The row that a request goes to."""
    wanted = path.partition("?")[0].split("/")
    fitting = [each for each in routes.TABLE if each.method == method and _fits(each.shown_path.split("/"), wanted)]
    return min(fitting, key=lambda each: each.shown_path.count("{"), default=None)


def check(document: Mapping[str, Any], method: str, path: str, answer: Any) -> None:
    """Raises AssertionError for an answer that the document does not have."""
    operation = operation_of(method, path)
    if operation is None or answer.status_code == 304:
        return
    responses = document["paths"][operation.shown_path][method.lower()]["responses"]
    said = responses.get(str(answer.status_code), responses["default"])
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code == 204:
        assert not answer.content
        return
    assert kind in said["content"], f"{method} {path} answered {answer.status_code} as {kind}: {answer.text:.300}"
    if kind.endswith("json"):
        shape = {**said["content"][kind]["schema"], "components": document["components"]}
        Draft202012Validator(shape, validate_formats=True).validate(answer.json())


def _fits(pattern: list[str], wanted: list[str]) -> bool:
    if len(pattern) != len(wanted):
        return False
    return all(p.startswith("{") or p == w for p, w in zip(pattern, wanted, strict=True))
