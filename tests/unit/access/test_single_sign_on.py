"""Signing in with OpenID Connect, at a small provider of its own process: who is let in, as whom, and who is not."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.local.ports import free_ports
from producers.access import kept
from producers.access.oidc_settings import Provider, provider, rights_of
from schemas import events as e
from schemas.errors import Denied, Invalid
from schemas.settings import from_environment
from tests.support.front import Front
from tests.support.gate import Browser, Gate, Time

PEOPLE = [
    {"sub": "1", "preferred_username": "mira", "groups": ["cn=ops", "shop-team"]},
    {"sub": "2", "preferred_username": "admin", "groups": ["admins", "everything"]},
    {"sub": "3", "email": "nobody@example.com", "groups": ["others"]},
    {"sub": "4", "preferred_username": "<b>\u202eevil</b>", "groups": "cn=ops"},
]
PATIENCE = 120.0
"""Seconds until the provider must answer."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The URL of a provider that runs."""
    url, process = _started()
    try:
        yield url
    finally:
        process.kill()
        process.wait()


def _started() -> tuple[str, "subprocess.Popen[bytes]"]:
    """At a port that was free a moment ago; at another one, if somebody has taken that meanwhile."""
    claims = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        [port] = free_ports(1)
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *claims]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if _answers(f"http://127.0.0.1:{port}"):
                return f"http://127.0.0.1:{port}", process
            if time.monotonic() > until:
                process.kill()
                process.wait()
            time.sleep(0.1)
    raise AssertionError(f"the identity provider has not answered in {PATIENCE:g} s")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/jwks").status_code == 200
    except httpx.TransportError:
        return False


def console_of(tmp: Path, issuer: str, **settings: Any) -> Gate:
    """A console that lets people in whom that provider knows."""
    front = Front(
        tmp,
        console_url="http://testserver",
        oidc_issuer=issuer,
        oidc_client_id="snapline",
        oidc_client_secret="secret:sso/client",
        oidc_roles="admins=cluster-admin, cn=ops=operator",
        **settings,
    )
    kept.write(front.cluster, "snapline-console", "sso", {}, {"client": "a secret of the client"})
    made = Gate(front, Time(datetime.now(UTC)))
    made.user()
    return made


def led(browser: Browser, path: str = "/sign-in/single?next=/account") -> str:
    """Where the provider is asked."""
    answer = browser.get(path)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def agreed(place: str, sub: str) -> str:
    """What the provider leads back to when somebody agrees there."""
    answer = httpx.post(place, data={"sub": sub})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert (back.netloc, back.path) == ("testserver", "/sign-in/single/back")
    return f"{back.path}?{back.query}"


def test_a_person_is_let_in_with_the_role_and_applications_of_the_groups(tmp_path: Path, issuer: str) -> None:
    console = console_of(tmp_path, issuer, oidc_apps="shop-team=shop, everything=*")
    browser = console.browser()
    assert 'href="/sign-in/single?next=' in browser.get("/sign-in").text
    place = led(browser)
    asked = parse_qs(urlsplit(place).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://testserver/sign-in/single/back"]
    assert len(asked["state"][0]) > 40
    assert asked["nonce"] != asked["state"]
    answer = browser.get(agreed(place, "1"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    page = browser.get("/account").text
    assert "sso/mira" in page
    assert "operator" in page
    assert "shop" in page
    assert "Current password" not in page
    assert browser.post("/sign-out").status_code == 303
    assert not browser.is_signed_in
    told = [event.data for event in console.front.bus.audited]
    assert [(each.who, each.on) for each in told if isinstance(each, e.AuditRecorded) and each.act == "sign-in"] == [
        ("sso/mira", "single sign-on")
    ]


def test_nobody_becomes_the_user_of_the_same_name(tmp_path: Path, issuer: str) -> None:
    console = console_of(tmp_path, issuer)
    browser = console.browser()
    assert browser.get(agreed(led(browser), "2")).status_code == 303
    page = browser.get("/account").text
    assert "sso/admin" in page
    answer = browser.post("/account/password", {"password": "x", "new": "y" * 20, "again": "y" * 20})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("sub", ["3", "unknown"])
def test_who_is_in_no_group_is_not_let_in(tmp_path: Path, issuer: str, sub: str) -> None:
    browser = console_of(tmp_path, issuer).browser()
    answer = browser.get(agreed(led(browser), sub))
    assert answer.status_code == 403
    assert "is in no group that may use this console" in answer.text
    assert not browser.is_signed_in


def test_what_a_provider_calls_somebody_is_text(tmp_path: Path, issuer: str) -> None:
    browser = console_of(tmp_path, issuer).browser()
    assert browser.get(agreed(led(browser), "4")).status_code == 303
    assert "&lt;b&gt;evil&lt;/b&gt;" in browser.get("/account").text


def test_a_log_in_that_another_browser_has_begun_is_refused(tmp_path: Path, issuer: str) -> None:
    console = console_of(tmp_path, issuer)
    attacker, victim = console.browser(), console.browser()
    back = agreed(led(attacker), "1")
    led(victim)
    for browser in (victim, console.browser()):
        answer = browser.get(back)
        assert answer.status_code == 403
        assert "begun in another browser" in answer.text
        assert not browser.is_signed_in


def test_a_code_is_good_once_and_not_with_another_nonce(tmp_path: Path, issuer: str) -> None:
    console = console_of(tmp_path, issuer)
    browser = console.browser()
    back = agreed(led(browser), "1")
    held = browser.cookies["snapline-single"]
    assert browser.get(back).status_code == 303
    assert console.browser({"snapline-single": held}).get(back).status_code == 403
    single = console.door.single
    assert single is not None
    begun = single.begin()
    given = {key: values[0] for key, values in parse_qs(urlsplit(agreed(begun.url, "1")).query).items()}
    with pytest.raises(Denied, match="is not good"):
        single.finish(begun.state, "another nonce", begun.verifier, given)


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?state=&code=x", "?code=x"])
def test_what_comes_back_without_a_state_is_refused(tmp_path: Path, issuer: str, query: str) -> None:
    browser = console_of(tmp_path, issuer).browser()
    assert browser.get(f"/sign-in/single/back{query}").status_code == 403
    led(browser)
    assert browser.get(f"/sign-in/single/back{query}").status_code == 403
    assert not browser.is_signed_in


def test_a_provider_that_is_away_keeps_nobody_from_the_password(tmp_path: Path) -> None:
    [port] = free_ports(1)
    browser = console_of(tmp_path, f"http://127.0.0.1:{port}").browser()
    answer = browser.get("/sign-in/single")
    assert "The identity provider does not answer" in answer.text
    assert browser.sign_in().status_code == 303


def _provider(**given: str) -> Provider | None:
    settings = from_environment({f"SNAPLINE_{name.upper()}": value for name, value in given.items()})
    return provider(settings, lambda _: {"data": {}}, {"CLIENT": "hunter2"})


GOOD = {
    "oidc_issuer": "https://id.example.com/realm/",
    "oidc_client_id": "snapline",
    "oidc_roles": "admins=cluster-admin",
    "console_url": "https://snapline.example.com/",
    "oidc_client_secret": "env:CLIENT",
}


def test_settings_make_a_provider() -> None:
    assert _provider() is None
    made = _provider(**GOOD)
    assert made is not None
    assert made.back == "https://snapline.example.com/sign-in/single/back"
    assert made.client_secret.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(made)
    assert rights_of(made, {"admins", "x"}) == ({"cluster-admin"}, None)
    assert rights_of(made, {"x"}) == (set(), None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_client_id": ""},
        {"oidc_roles": ""},
        {"console_url": ""},
        {"oidc_roles": "admins=root"},
        {"oidc_roles": "admins"},
        {"oidc_apps": "team=../x"},
        {"oidc_client_secret": "hunter2 that somebody has put here"},
        {"oidc_client_secret": "env:NOT_THERE"},
        {"oidc_client_secret": "secret:sso/client"},
    ],
)
def test_settings_that_are_wrong_say_so_without_a_secret(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid) as error:
        _provider(**(GOOD | wrong))
    assert "hunter2" not in str(error.value)


def test_groups_give_the_most_of_their_roles_and_all_of_their_applications() -> None:
    made = _provider(**GOOD, oidc_apps="a=shop, b=desk, c=*")
    assert made is not None
    assert rights_of(made, {"a", "b"})[1] == frozenset({"shop", "desk"})
    assert rights_of(made, {"a", "c"})[1] is None
    assert rights_of(made, {"x"})[1] == frozenset()
