"""What is around every answer, and what is refused before anything is done."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from producers.access.guard import BodyLimit, Guard
from producers.access.web import way
from schemas.errors import Invalid
from schemas.settings import from_environment
from tests.support.asgi import ask
from tests.support.gate import Gate, gate


@pytest.fixture
def console(tmp_path: Path) -> Gate:
    made = gate(tmp_path)
    made.user()
    return made


def _policy(answer: Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/account", "/static/console.css", "/login"])
def test_every_answer_has_the_headers_that_browsers_heed(console: Gate, path: str) -> None:
    answer = console.signed_in().get(path)
    policy = _policy(answer)
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "font", "connect")} == {"'self'"}
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "strict-transport-security" not in answer.headers


def test_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    console = gate(tmp_path, console_url="https://snapline.example.com")
    assert "max-age=" in console.browser().get("/sign-in").headers["strict-transport-security"]


def test_an_answer_to_a_fault_of_ours_has_them_too() -> None:
    def fails(_: Request) -> Response:
        raise RuntimeError("a fault")

    app = Starlette(routes=[Route("/", fails)])
    answer = TestClient(Guard(app), raise_server_exceptions=False).get("/")
    assert answer.status_code == 500
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_file_that_is_downloaded_is_no_page_of_ours() -> None:
    def download(_: Request) -> Response:
        return Response("<script src=/x></script>", headers={"content-disposition": 'attachment; filename="x.html"'})

    answer = TestClient(Guard(Starlette(routes=[Route("/", download)]))).get("/")
    assert answer.headers["content-security-policy"].endswith("; sandbox")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver:8080"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    ],
)
def test_a_form_of_another_site_does_nothing(console: Gate, headers: dict[str, str]) -> None:
    browser = console.signed_in()
    answer = browser.post("/theme", {"theme": "dark"}, **{**headers, "accept": "text/html"})
    assert answer.status_code == 403
    assert "This was asked for by a page of another site; nothing was done" in answer.text
    assert "set-cookie" not in answer.headers
    assert browser.sign_in("mira", **headers).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"origin": "http://testserver"}, {"sec-fetch-site": "same-origin"}])
def test_a_form_of_ours_is_taken(console: Gate, headers: dict[str, str]) -> None:
    assert console.signed_in().post("/theme", {"theme": "dark"}, **headers).status_code == 303


def test_a_form_needs_the_token_of_its_own_session(console: Gate) -> None:
    console.user("mira", "operator")
    ours, theirs = console.signed_in(), console.signed_in("mira")
    for token in ("", "0" * 64, "é", theirs.csrf(), console.browser().csrf()):
        answer = ours.post("/theme", {"theme": "dark"}, csrf=token)
        assert answer.status_code == 403
        assert "nothing was done" in answer.text
    assert ours.client.post("/theme", data={"theme": "dark"}).status_code == 403
    assert ours.post("/theme", {"theme": "dark"}).status_code == 303


def test_nobody_is_signed_in_by_a_form_of_another_browser(console: Gate) -> None:
    attacker, victim = console.browser(), console.browser()
    victim.get("/sign-in")
    assert victim.post("/sign-in", {"password": "x"}, csrf=attacker.csrf()).status_code == 403
    assert console.browser().client.post("/sign-in", data={"password": "x"}).status_code == 403


def test_the_console_behind_a_proxy_is_known_by_its_own_name(tmp_path: Path) -> None:
    console = gate(tmp_path, console_url="http://snapline.example.com")
    console.user()
    browser = console.signed_in()
    assert browser.post("/theme", {"theme": "dark"}, origin="http://snapline.example.com").status_code == 303
    assert browser.post("/theme", {"theme": "dark"}, origin="http://evil.example").status_code == 403


@pytest.mark.parametrize("declared", ["99999999", "-1", "x", "9" * 4000])
def test_a_body_that_is_too_long_is_not_read(console: Gate, declared: str) -> None:
    answer = ask(console.app, "POST", "/sign-in", headers={"content-length": declared})
    assert answer.status == 413
    assert answer.json()["detail"] == "what was sent is longer than 4194304 bytes; nothing was done"


def _takes(**limits: Any) -> Guard:
    async def takes(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    route = Route("/", takes, methods=["POST"])
    return Guard(Starlette(routes=[route], middleware=[Middleware(BodyLimit, **limits)]))


def test_a_body_that_does_not_end_ends() -> None:
    answer = ask(_takes(most=1000), "POST", "/", headers={"accept": "text/html"}, body=[b"x" * 400] * 3)
    assert answer.status == 413
    assert b"What was sent is longer than 1000 bytes; nothing was done." in answer.body


def test_a_body_that_does_not_come_is_waited_for_no_longer() -> None:
    answer = ask(_takes(patience=0.05), "POST", "/", body=[b"x"], hangs=True)
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


def test_an_answer_that_takes_long_is_not_cut_short_by_the_patience_with_bodies() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0.2)
        yield "b"

    app = Starlette(
        routes=[Route("/", lambda _: StreamingResponse(pieces()))],
        middleware=[Middleware(BodyLimit, patience=0.05)],
    )
    assert TestClient(Guard(app)).get("/").text == "ab"


@pytest.mark.parametrize(
    ("client", "forwarded", "found"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.2", "198.51.100.2"),
        ("192.0.2.1", "198.51.100.3, 203.0.113.4, 10.1.9.9", "203.0.113.4"),
        ("10.1.0.1", "", "10.1.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed_for_whom_they_ask(client: str, forwarded: str, found: str) -> None:
    async def whose(request: Request) -> Response:
        return PlainTextResponse(request.client.host if request.client else "")

    ours = way(from_environment({"SNAPLINE_CONSOLE_PROXIES": "10.1.0.0/16, 192.0.2.1"}))
    browser = TestClient(Guard(Starlette(routes=[Route("/", whose)]), ours), client=(client, 1))
    assert browser.get("/", headers={"x-forwarded-for": forwarded} if forwarded else {}).text == found


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(Invalid, match="SNAPLINE_CONSOLE_PROXIES"):
        way(from_environment({"SNAPLINE_CONSOLE_PROXIES": "my-proxy"}))
