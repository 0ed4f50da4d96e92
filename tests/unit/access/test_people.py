"""Users and tokens by the page, on record, and for nobody but administrators."""

import re
from pathlib import Path

import pytest

from producers.access import tokens, users
from schemas import events as e
from tests.support.gate import OTHER, Gate, gate


@pytest.fixture
def console(tmp_path: Path) -> Gate:
    made = gate(tmp_path)
    made.user()
    made.user("mira", "operator", frozenset({"shop"}))
    return made


def once(html: str) -> str:
    found = re.search(r'data-testid="shown-once"><code[^>]*>([^<]+)<', html)
    assert found, html
    return found[1]


def acts(console: Gate) -> list[tuple[str, str, str, str]]:
    told = [event.data for event in console.front.bus.audited]
    return [(each.who, each.act, each.on, each.outcome) for each in told if isinstance(each, e.AuditRecorded)]


def test_a_new_user_gets_a_password_for_once_and_no_more_than_was_granted(console: Gate) -> None:
    admin, otto = console.signed_in(), console.browser()
    answer = admin.post("/access/users", {"name": "otto", "role": "support", "app": ["shop"], "apps": "desk, ledger"})
    assert answer.status_code == 200
    given = {"name": "otto", "password": once(answer.text), "new": OTHER, "again": OTHER}
    assert otto.sign_in("otto", given["password"]).headers["location"].startswith("/sign-in/new-password")
    assert otto.post("/sign-in/new-password", given).status_code == 303
    made = users.user(console.session, "otto")
    assert made is not None
    assert (made.role, made.apps) == ("support", frozenset({"shop", "desk", "ledger"}))
    assert given["password"] not in admin.get("/access").text
    assert otto.get("/access").status_code == 403
    assert ("admin", "administer", "/access/users name=otto app=shop", "done") in acts(console)
    assert given["password"] not in str(acts(console))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"name": "mira", "role": "support"}, "There is a user mira already."),
        ({"name": "No No", "role": "support"}, "is no name for a user or token"),
        ({"name": "otto", "role": "root"}, "is no role"),
        ({"name": "otto", "role": "support", "apps": "../x"}, "is no application&#39;s slug"),
    ],
)
def test_what_cannot_be_says_why(console: Gate, values: dict[str, str], why: str) -> None:
    answer = console.signed_in().post("/access/users", values)
    assert answer.status_code == 400
    assert why in answer.text


def test_a_role_can_be_changed_but_not_the_last_administrator_taken_away(console: Gate) -> None:
    admin, mira = console.signed_in(), console.signed_in("mira")
    assert admin.post("/access/users/mira", {"role": "support", "all_apps": "1"}).status_code == 303
    console.time.passes(6)
    assert "support" in mira.get("/account").text
    for path, values in (("/access/users/admin", {"role": "support"}), ("/access/users/admin/delete", {})):
        assert admin.post(path, values).status_code == 400
    assert users.user(console.session, "admin") is not None


def test_who_is_deleted_or_gets_another_password_is_signed_out(console: Gate) -> None:
    admin, mira = console.signed_in(), console.signed_in("mira")
    password = once(admin.post("/access/users/mira/password").text)
    assert not mira.is_signed_in
    assert mira.sign_in("mira", password).headers["location"].startswith("/sign-in/new-password")
    assert admin.post("/access/users/mira/delete").status_code == 303
    assert mira.sign_in("mira", password).status_code == 403
    assert admin.get("/access/users/mira").status_code == 404


def test_a_token_is_shown_once_used_and_revoked(console: Gate) -> None:
    admin = console.signed_in()
    values = {"name": "ci", "role": "operator", "only": ["view", "take"], "app": "shop", "days": "30"}
    token = once(admin.post("/access/tokens", values).text)
    page = admin.get("/access").text
    assert "take, view" in page
    assert token not in page
    program = console.browser()
    assert "token/ci" in program.get("/account", authorization=f"Bearer {token}").text
    assert admin.post("/access/tokens/ci/revoke").status_code == 303
    console.time.passes(6)
    assert program.get("/account", authorization=f"Bearer {token}").status_code == 303
    assert tokens.tokens(console.session) == []


@pytest.mark.parametrize("values", [{"only": []}, {"days": "x"}, {"days": "0"}, {"name": "A"}, {"role": "root"}])
def test_a_token_that_cannot_be_is_not_made(console: Gate, values: dict[str, object]) -> None:
    good = {"name": "ci", "role": "operator", "only": ["view"], "all_apps": "1", "days": ""}
    assert console.signed_in().post("/access/tokens", good | values).status_code == 400
    assert tokens.tokens(console.session) == []


@pytest.mark.parametrize("role", ["operator", "support"])
def test_others_see_and_change_nothing_of_it_and_that_is_on_record(console: Gate, role: str) -> None:
    console.user("otto", role)  # type: ignore[arg-type]
    browser = console.signed_in("otto")
    assert browser.get("/access").status_code == 403
    for path in ("/access/users", "/access/users/admin/password", "/access/tokens", "/access/tokens/x/revoke"):
        assert browser.post(path, {"name": "x", "role": "cluster-admin", "only": ["view"]}).status_code == 403
    assert ("otto", "administer", "/access/users", "refused") in acts(console)
    assert {each.name for each in users.users(console.session)} == {"admin", "mira", "otto"}
