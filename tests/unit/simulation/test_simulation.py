"""The simulation of the whole line: a seed is a history, in which the checks find what is wrong."""

import pytest

from tests.simulation import campaign, history, planted, town
from tests.simulation.planted import Planted

QUICK = ("ack-first", "tell-first", "finalize-early", "end-twice", "two-jobs", "no-snapshot")
"""Bugs that almost every history shows; the others are looked for by `make simulate`."""


@pytest.fixture(autouse=True, scope="module")
def prepared() -> None:
    """What takes a second, once."""
    town.prepare()


def test_a_seed_gives_the_same_history_each_time() -> None:
    first, again = history.run(5), history.run(5)
    assert len(first.trace) > 100
    assert first.trace == again.trace
    assert history.run(6).trace != first.trace


@pytest.mark.timeout(1200)
def test_no_history_breaks_a_rule() -> None:
    tried = [campaign.one(seed) for seed in range(1, 26)]
    assert {each.seed: each.wrong for each in tried if each.wrong} == {}
    counts = sum((each.counts for each in tried), start=type(tried[0].counts)())
    assert counts["backup Completed"] > 10
    assert counts["restore Completed"] > 3
    assert counts["volumes"] > 20


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("bug", [bug for bug in planted.BUGS if bug.name in QUICK], ids=lambda bug: bug.name)
def test_a_planted_bug_is_found_by_the_rule_that_it_breaks(bug: Planted) -> None:
    tried = campaign.find(bug)
    assert tried, bug.says
    assert campaign.strange(bug, tried) == set(), tried.wrong


def test_there_are_ten_planted_bugs_and_each_has_a_name_of_its_own() -> None:
    assert len({bug.name for bug in planted.BUGS}) == len(planted.BUGS) >= 10


def test_what_was_planted_is_gone_again() -> None:
    for bug in planted.BUGS:
        with bug.plant():
            pass
    assert campaign.one(1).wrong == []
