"""Whatever applications, jobs and failures there are: what is outside stays, and Completed means whole."""

import pytest
from hypothesis import Phase

from tests.unit.model import machine
from tests.unit.model.running import run

AT_LEAST = {
    "backups Completed": 20,
    "backups PartiallyFailed": 3,
    "restores Completed": 20,
    "restores PartiallyFailed": 1,
    "rollback Completed": 2,
    "twice": 5,
    "at once": 5,
    "volumes copied": 30,
    "bytes restored": 3000,
}
"""What the histories must have seen, or they show nothing."""


@pytest.mark.timeout(1200)
def test_restores_change_what_is_theirs_and_bring_all_of_it_back() -> None:
    machine.seen.clear()
    run(15, Phase.shrink)
    print(dict(machine.seen))
    assert {what: number for what, number in AT_LEAST.items() if machine.seen[what] < number} == {}
