"""Tokens: shown once, limited to what they are for, and no longer good once they are deleted or have ended."""

from pathlib import Path

import pytest

from producers.access import kept, tokens
from producers.access.identity import may
from producers.access.tokens import Token, Tokens
from producers.views.unreadable import Unreadable
from schemas.errors import Invalid, NotFound
from schemas.kubernetes import SECRETS
from tests.support.front import NOON, Front
from tests.support.gate import Gate, Time, gate


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def test_only_the_digest_of_a_token_is_kept(front: Front) -> None:
    made = tokens.make(front.session, "ci", "operator", apps="shop", only="take, view", made_by="admin", now=NOON)
    assert made.token.startswith("snapline_")
    assert made.token not in str(list(front.cluster.live(SECRETS)))
    assert made.token not in repr(made)
    [found] = tokens.tokens(front.session)
    assert found == made.kept
    assert (found.name, made.kept.made_by) == ("ci", "admin")


def test_a_token_may_what_it_is_for_and_no_more(front: Front) -> None:
    time = Time()
    token = tokens.make(front.session, "ci", "operator", apps="shop", only="take,administer", now=NOON).token
    holder = Tokens(front.session, time.seconds, time.moment).holder(token)
    assert holder is not None
    assert holder.name == "token/ci"
    assert may(holder, "take", "shop")
    assert not may(holder, "take", "desk")
    assert not may(holder, "take")
    assert not may(holder, "view", "shop")
    assert not may(holder, "administer", "shop")


@pytest.mark.parametrize("token", ["", "snapline_", "x" * 5000, "snapline_wrong"])
def test_another_token_is_nobodys(front: Front, token: str) -> None:
    time = Time()
    tokens.make(front.session, "ci", "operator", now=NOON)
    assert Tokens(front.session, time.seconds, time.moment).holder(token) is None


def test_a_token_ends_when_it_is_deleted_replaced_or_over(front: Front) -> None:
    time = Time()
    known = Tokens(front.session, time.seconds, time.moment)
    first = tokens.make(front.session, "ci", "support", now=NOON).token
    second = tokens.make(front.session, "ci", "support", now=NOON, days=1).token
    assert known.holder(first) is None
    assert known.holder(second) is not None
    time.passes(24 * 3600)
    assert known.holder(second) is None
    third = tokens.make(front.session, "ci", "support", now=NOON).token
    time.passes(6)
    assert known.holder(third) is not None
    tokens.forget(front.session, "ci")
    time.passes(6)
    assert known.holder(third) is None
    with pytest.raises(NotFound, match="there is no token 'ci'"):
        tokens.forget(front.session, "ci")


@pytest.mark.parametrize(
    ("name", "role", "apps", "only", "days"),
    [
        ("No", "operator", "*", "*", None),
        ("ci", "root", "*", "*", None),
        ("ci", "operator", "../x", "*", None),
        ("ci", "operator", "*", "fly", None),
        ("ci", "operator", "*", "*", 0),
        ("", "operator", "*", "*", None),
    ],
)
def test_what_no_token_can_be_is_refused(
    front: Front, name: str, role: str, apps: str, only: str, days: int | None
) -> None:
    with pytest.raises(Invalid):
        tokens.make(front.session, name, role, apps=apps, only=only, now=NOON, days=days)
    assert tokens.tokens(front.session) == []


def test_a_secret_that_cannot_be_read_is_nobodys_and_shown(front: Front) -> None:
    tokens.make(front.session, "good", "support", now=NOON)
    kept.write(front.cluster, "snapline-console", "snapline-access-token-x", {tokens.LABEL: "x"}, {"role": "root"})
    found = {type(each): each.name for each in tokens.tokens(front.session)}
    assert found == {Token: "good", Unreadable: "snapline-access-token-x"}


def test_a_program_needs_no_form_token_and_no_cookie(tmp_path: Path) -> None:
    console: Gate = gate(tmp_path)
    token = tokens.make(console.session, "ci", "support", now=NOON).token
    browser = console.browser()
    assert "token/ci" in browser.get("/account", authorization=f"Bearer {token}").text
    assert browser.get("/account", authorization="Bearer wrong").status_code == 303
    assert browser.get("/account", authorization=f"Basic {token}").status_code == 303
    answer = browser.post("/theme", {"theme": "dark"}, csrf="none", authorization=f"Bearer {token}")
    assert answer.status_code == 303
