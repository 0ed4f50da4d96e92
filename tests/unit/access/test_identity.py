"""Who may do what: roles, granted applications, and what concerns all of them."""

import pytest

from producers.access.identity import (
    DEEDS,
    PERMISSIONS,
    ROLES,
    Identity,
    Permission,
    Role,
    may,
    may_all,
    may_some,
    require,
    visible,
)
from schemas.errors import Code, Denied

TABLE: dict[Permission, str] = {
    "view": "cluster-admin operator support",
    "take": "cluster-admin operator",
    "restore": "cluster-admin operator",
    "delete": "cluster-admin operator",
    "cancel": "cluster-admin operator",
    "configure": "cluster-admin",
    "reveal": "cluster-admin",
    "download": "cluster-admin operator",
    "dead-letters": "cluster-admin operator",
    "administer": "cluster-admin",
}
GRANTED = Identity("mira", "operator", frozenset({"shop", "desk"}))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_role_gives_what_the_table_says_and_nothing_else(role: Role, permission: Permission) -> None:
    given = role in TABLE[permission].split()
    assert may(Identity("a", role), permission) is given
    assert may(Identity("a", role), permission, "shop") is given
    assert may(Identity("a", role, frozenset({"shop"})), permission, "shop") is given
    assert not may(Identity("a", role, frozenset({"shop"})), permission, "desk")
    assert not may(Identity("a", role, frozenset({"shop"})), permission)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_who_is_granted_no_application_may_nothing(permission: Permission) -> None:
    nobody = Identity("a", "cluster-admin", frozenset())
    assert not may(nobody, permission)
    assert not may(nobody, permission, "shop")
    assert not may(nobody, permission, "")
    assert not may_all(nobody, permission, [])


def test_a_token_may_no_more_than_its_scopes_and_no_more_than_its_role() -> None:
    token = Identity("ci", "operator", only=frozenset({"take", "administer"}))
    assert may(token, "take")
    assert not may(token, "view")
    assert not may(token, "administer")
    assert may_some(token, "take")
    assert not may_some(token, "restore")


def test_what_has_several_applications_is_for_those_who_may_with_each() -> None:
    assert may_all(GRANTED, "restore", ["shop", "desk"])
    assert not may_all(GRANTED, "restore", ["shop", "ledger"])
    assert not may_all(GRANTED, "restore", [])
    assert may_all(Identity("a", "operator"), "restore", [])


def test_applications_that_are_not_granted_are_not_seen() -> None:
    assert visible(GRANTED, ["ledger", "shop", "desk"]) == ["shop", "desk"]
    assert visible(Identity("a", "support"), ["ledger", "shop"]) == ["ledger", "shop"]


def test_the_refusal_says_who_may_not_do_what() -> None:
    require(GRANTED, "take", "shop")
    with pytest.raises(Denied) as refused:
        require(GRANTED, "take", "ledger")
    assert str(refused.value) == "mira is signed in as operator, and may not take backups of ledger"
    assert (refused.value.code, refused.value.subject) == (Code.NOT_PERMITTED, "ledger")
    with pytest.raises(Denied, match="may not restore all applications and the console"):
        require(GRANTED, "restore")


def test_every_permission_has_words() -> None:
    assert set(DEEDS) == set(PERMISSIONS) == set(TABLE)
