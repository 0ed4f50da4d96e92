"""Over every route there is: who may, whose applications, from whose page, and what an answer holds and does not hold.

A route that is added is walked here as well, and fails without a permission that it declares.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from starlette.routing import Mount, Route

from producers.access.identity import GIVEN, PERMISSIONS, ROLES, Permission, Role
from producers.console.routing import permission_of
from producers.http import routes as api
from schemas.kubernetes import SECRETS
from schemas.records import AppRef
from tests.support.front import volume
from tests.support.gate import PASSWORD, Browser, Gate, gate
from tests.support.sealed import PASSPHRASE

OPEN = {"/sign-in", "/sign-in/new-password", "/sign-out", "/login", "/sign-in/single", "/sign-in/single/back"}
"""What those see who are not signed in. Nothing else may be added without a thought."""
PUBLIC_API = {"/events", *api.DOCUMENT_PATHS}
"""`/events` asks for a token itself; the documents say what is in the repository, too."""
STREAMS = {"/live"}
"""What never ends."""
THEIRS = "theirs-bcdfg"
FULL = "instance-bcdfg"
MARK = "markerclaim"
"""A name in what is another application's."""
HOSTILE = "\"'><svg/onload=alert(1)>"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Gate]:
    made = gate(tmp_path)
    made.user()
    made.user("mira", "cluster-admin", frozenset({"ours"}))
    for role in ROLES:
        made.user(f"a-{role}", role)
    made.front.begin(THEIRS)
    made.front.finish(THEIRS, app="theirs", volumes=[volume(claim=MARK, namespace=MARK)])
    made.front.begin(FULL)
    both = [AppRef(slug="ours", name="ours"), AppRef(slug="theirs", name=MARK)]
    made.front.finish(FULL, apps=both, volumes=[volume(claim=MARK, namespace=MARK)])
    yield made
    made.session.close()


def pages(console: Gate, method: str) -> list[Route]:
    """The routes of pages, by method."""
    found = [route for route in console.app.routes if isinstance(route, Route)]
    return [
        route
        for route in found
        if method in (route.methods or ()) and not route.path.startswith("/api/") and route.path not in PUBLIC_API
    ]


def path_of(route: Route, name: str = THEIRS, slug: str = "theirs") -> str:
    """An address of that route."""
    named = {"name": name, "slug": slug, "phase": "pre"}

    def one(found: re.Match[str]) -> str:
        return named.get(found[1], "0" if found[2] == ":int" else "x")

    return re.sub(r"\{(\w+)(:\w+)?\}", one, route.path)


FIELDS: dict[str, Any] = {
    "name": THEIRS,
    "slug": "theirs",
    "app": "theirs",
    "backup": THEIRS,
    "scope": "full",
    "confirm": "theirs",
    "typed": "theirs",
    "namespace": MARK,
    "volume": MARK,
    "path": "x",
    "role": "cluster-admin",
    "only": ["view"],
    "all_apps": "1",
}
"""What forms may want."""


def asked(console: Gate) -> list[str]:
    """What was asked of the line."""
    return [event.type for event in console.front.bus.published]


def test_every_route_declares_who_may_or_is_known_to_be_open(console: Gate) -> None:
    for route in console.app.routes:
        if isinstance(route, Mount):
            assert route.path == "/static"
        elif isinstance(route, Route) and not route.path.startswith("/api/") and route.path not in PUBLIC_API:
            assert hasattr(route.endpoint, "permission"), f"{route.path} declares no permission"
            assert permission_of(route) in (*PERMISSIONS, None), route.path
            assert (permission_of(route) is None) == (route.path in OPEN), route.path
    for operation in api.TABLE:
        assert operation.permission in get_args(Permission), operation.path


def test_nobody_sees_or_does_anything_without_signing_in(console: Gate) -> None:
    browser = console.browser()
    for method in ("GET", "POST"):
        for route in pages(console, method):
            if route.path in OPEN or route.path in STREAMS:
                continue
            answer = browser.client.request(method, path_of(route))
            assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), route.path
            assert not answer.text
    assert browser.get("/live").status_code == 401
    assert asked(console) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_no_route_that_it_does_not_give(console: Gate, role: Role) -> None:
    browser = console.signed_in(f"a-{role}")
    token = browser.csrf()
    for method in ("GET", "POST"):
        for route in pages(console, method):
            permission = permission_of(route)
            if permission is None or permission in GIVEN[role]:
                continue
            answer = browser.client.request(method, path_of(route), data={**FIELDS, "csrf": token})
            assert answer.status_code == 403, f"{role} may {method} {route.path}"
    assert asked(console) == []


def test_whoever_has_grants_sees_nothing_of_other_applications(console: Gate) -> None:
    browser = console.signed_in("mira")
    assert _showing(console, browser, MARK) == []
    assert len(_showing(console, console.signed_in(), MARK)) > 3, "nobody sees it, so this shows nothing"


def test_whoever_has_grants_does_nothing_to_other_applications(console: Gate) -> None:
    browser = console.signed_in("mira")
    token = browser.csrf()
    secrets = _kept(console)
    objects = sorted((each.key, each.etag) for each in console.front.objects.list(""))
    for route in pages(console, "POST"):
        if route.path in OPEN or route.path.startswith("/account"):
            continue
        for name in (THEIRS, FULL):
            answer = browser.client.post(path_of(route, name), data={**FIELDS, "csrf": token})
            assert answer.status_code < 500 or answer.status_code == 503, f"{route.path}: {answer.status_code}"
    assert asked(console) == []
    assert console.front.bus.cancelled == []
    assert _kept(console) == secrets
    assert sorted((each.key, each.etag) for each in console.front.objects.list("")) == objects
    admin = console.signed_in()
    for route in pages(console, "POST"):
        if permission_of(route) in ("take", "delete"):
            admin.client.post(path_of(route), data={**FIELDS, "csrf": admin.csrf()})
    assert len(asked(console)) > 2, "nobody does anything, so this shows nothing"


def test_no_form_is_taken_without_the_token_of_its_session_nor_from_another_site(console: Gate) -> None:
    browser = console.signed_in()
    token = browser.csrf()
    for route in pages(console, "POST"):
        for data, headers in (
            ({}, {}),
            ({"csrf": "0" * 64}, {}),
            ({"csrf": token}, {"origin": "https://evil.example"}),
            ({"csrf": token}, {"sec-fetch-site": "cross-site"}),
        ):
            answer = browser.client.post(path_of(route), data={**FIELDS, **data}, headers=headers)
            assert answer.status_code == 403, f"{route.path} takes {data} {headers}"
    assert asked(console) == []
    assert browser.is_signed_in


@pytest.mark.parametrize("role", ["operator", "support"])
def test_nobody_but_who_configures_makes_the_console_try_a_server(
    console: Gate, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    opened = console.session.open_store

    def opens(destination: Any) -> Any:
        tried.append(destination.place)
        return opened(destination)

    monkeypatch.setattr(console.session, "open_store", opens)
    browser = console.signed_in(f"a-{role}")
    token, inside = browser.csrf(), "http://169.254.169.254:1"
    fields = dict.fromkeys(("endpoint", "url", "account", "nfs_server", "server"), inside)
    chosen = {"kind": "other", "provider": "other", "bucket": "b", "access_key_id": "a", "secret_access_key": "s"}
    for route in pages(console, "POST"):
        browser.client.post(path_of(route), data={**FIELDS, **fields, **chosen, "csrf": token})
    assert [place for place in tried if "169.254" in place] == []
    assert [each for each in api.TABLE if each.path.endswith("/check") and each.permission != "configure"] == []


def test_every_page_has_the_headers_and_no_secret(console: Gate) -> None:
    browser = console.signed_in()
    secrets = [PASSPHRASE, PASSWORD, *browser.cookies.values(), "$argon2"]
    for route in pages(console, "GET"):
        if route.path in STREAMS:
            continue
        answer = browser.get(path_of(route))
        assert answer.headers["cache-control"] == "no-store", route.path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], route.path
        assert answer.headers["x-content-type-options"] == "nosniff", route.path
        hidden = [each for each in secrets if (route.path, each) != ("/api", PASSPHRASE)]  # where it is prose
        assert [each for each in hidden if each in answer.text] == [], route.path


def test_names_of_strangers_are_text_on_every_page(console: Gate) -> None:
    name = "hostile-bcdfg"
    front = console.front
    front.begin(name)
    hostile = volume(claim=HOSTILE, namespace=HOSTILE)
    front.finish(name, app=HOSTILE, apps=[AppRef(slug=HOSTILE, name=HOSTILE)], volumes=[hostile])
    front.begin("instance-zzzzz")
    front.finish("instance-zzzzz", apps=[AppRef(slug=HOSTILE, name=HOSTILE)], volumes=[hostile])
    browser = console.signed_in()
    seen = 0
    for route in pages(console, "GET"):
        if route.path in STREAMS:
            continue
        for chosen in (name, "instance-zzzzz", HOSTILE):
            address = path_of(route, chosen, HOSTILE)
            answer = browser.client.get(
                address, params={"q": HOSTILE, "next": HOSTILE, "done": HOSTILE, "name": HOSTILE}
            )
            if "html" not in answer.headers.get("content-type", ""):
                continue
            seen += "svg/onload" in answer.text
            assert "<svg/onload" not in answer.text, address
            assert not re.search(r"<[^>]*\sonload=", answer.text), address
    assert seen > 5


def _showing(console: Gate, browser: Browser, text: str) -> list[str]:
    """The pages that say that."""
    found = []
    for route in pages(console, "GET"):
        if route.path not in STREAMS | OPEN:
            found += [route.path for name in (THEIRS, FULL) if text in browser.get(path_of(route, name)).text]
    return found


def _kept(console: Gate) -> list[tuple[str, str]]:
    objects = cast("list[dict[str, Any]]", list(console.front.cluster.live(SECRETS)))
    return sorted((each["metadata"]["name"], str(each.get("data"))) for each in objects)
