"""Every rule of every role is there for something that is attacked: without it, or with one more, the table is wrong.

The same table is tried on a real API server by `tests/e2e/test_accounts.py`.
"""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from producers.installing import accounts
from producers.installing.accounts import GRANTS, Grant, Rule
from producers.installing.options import Options
from tests.e2e.attacks import Attack, attacks

PLACES = Options()
TABLE = attacks(PLACES.console_namespace, PLACES.namespace)
OPTIONAL = "snapline.covering"
"""May be left out: then the others are all that there is."""
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
Held = list[tuple[Grant, Rule]]
Asked = tuple[str, str, str, str, str]
"""Verb, API group, resource, name and namespace."""


def _held(account: str) -> Held:
    return [(grant, rule) for grant in GRANTS if account in grant.to for rule in grant.rules]


def _asked(attack: Attack) -> Asked:
    path = attack.path.partition("?")[0].strip("/").split("/")
    group, rest = ("", path[2:]) if path[0] == "api" else (path[1], path[3:])
    place = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        place, rest = rest[1], rest[2:]
    resource, name, below = [*rest, "", "", ""][:3]
    verb = VERBS.get(attack.method) or ("get" if name else "list")
    return verb, group, f"{resource}/{below}" if below else resource, name, place


def _allows(grant: Grant, rule: Rule, asked: Asked) -> bool:
    verb, group, resource, name, place = asked
    return (
        (grant.where != "console" or place == PLACES.console_namespace)
        and verb in rule["verbs"]
        and not {group, "*"}.isdisjoint(rule["apiGroups"])
        and not {resource, "*"}.isdisjoint(rule["resources"])
        and ("resourceNames" not in rule or name in rule["resourceNames"])
    )


def _needed(attack: Attack) -> Iterator[Asked]:
    yield _asked(attack)
    if attack.also:
        yield (*attack.also, "", "")


def _through(held: Sequence[tuple[Grant, Rule]], attack: Attack) -> bool:
    return all(any(_allows(grant, rule, asked) for grant, rule in held) for asked in _needed(attack))


@pytest.mark.parametrize("attack", TABLE, ids=lambda attack: attack.what)
def test_only_those_get_through_whose_work_it_is(attack: Attack) -> None:
    assert {name for name in accounts.accounts() if _through(_held(name), attack)} == attack.may


def _without(held: Held, grant: Grant, rule: Rule, verb: str) -> Iterable[tuple[Grant, Rule]]:
    for mine, each in held:
        if mine.name == OPTIONAL != grant.name:
            continue
        less = {**each, "verbs": [one for one in each["verbs"] if one != verb]}
        yield mine, less if (mine.name, each) == (grant.name, rule) else each


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.name)
def test_without_any_verb_of_any_rule_the_table_is_wrong(grant: Grant) -> None:
    for rule in grant.rules:
        for verb in rule["verbs"]:
            stopped = [
                (name, attack.what)
                for name in grant.to
                for attack in TABLE
                if name in attack.may and not _through([*_without(_held(name), grant, rule, verb)], attack)
            ]
            assert stopped, f"{grant.name}: nothing is tried that takes {verb} on {rule['resources']}"
