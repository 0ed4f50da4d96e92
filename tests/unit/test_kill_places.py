"""No record without a kill: what jobs write, by the functions that name it, and where the workers die."""

import inspect
from collections.abc import Iterator
from typing import get_args

import pytest

from schemas import keys
from schemas.records.hooks import HookStage
from tests.support.kill_places import DEATHS, RECORDS, place_of, records_of
from tests.support.line import queues
from tests.support.written_keys import COPY, POD, WRITTEN

PREFIXES = {"running_of", "jobs", "of", "finals_of", "rejections_of", "rejections", "holders", "sharers", "owners"} | {
    "line",
    "hooks",
    "workers_of",
    "pod_results",
    "volume_results",
    "scheduled_runs",
    "hook_outputs",
    "wanted_copies",
    "copies_of",
}
WRITTEN_BY_OTHERS = {"cancel"}
NO_KEYS = {"helper_pod", "is_record", "is_began", "is_put_back"}
NOBODY_DIES = {
    "writing slice",
    "check of a test restore",
    "stage probed",
    "stage removed",
    "verification",
    "position of samples",
    "verified",
    "answer",
    "test restored",
    "hold",
    "scheduled run",
    "wanted copy",
    "incoming backup",
    "copied backup",
    "failed copy",
    "expiring",
    "looked for expired",
    "entry of a digest",
    "digest being sent",
}
"""Written for larger volumes than these of the line's tests; tests/repository/test_killed.py kills between slices. And
nothing is verified there; tests/unit/test_verification.py kills at all that it writes. A hold is people's. No
restore is on trial there; tests/unit/test_restores_on_trial.py kills at all that this writes. No
backup is copied elsewhere there; tests/unit/test_copies.py kills at all that this writes. Nothing
expires there; tests/unit/retention/test_step.py kills at both notes. And nobody there wants a digest;
tests/unit/test_notify.py kills at all that those write."""


def _names() -> Iterator[str]:
    """Of all that makes keys. A constant that ends with a slash is a prefix."""
    for name, value in vars(keys).items():
        if name.isupper() and isinstance(value, str) and not value.endswith("/"):
            yield name
    for name, function in inspect.getmembers(keys, inspect.isfunction):
        if function.__module__ == keys.__name__ and not name.startswith(("_", "parse")):
            yield name


def test_whatever_names_a_key_is_known_here() -> None:
    assert set(_names()) == WRITTEN.keys() | PREFIXES | WRITTEN_BY_OTHERS | NO_KEYS


@pytest.mark.parametrize("function", WRITTEN)
def test_every_record_has_one_name(function: str) -> None:
    assert [len(records_of(key)) for key in WRITTEN[function]] == [1 for _ in WRITTEN[function]]


def test_every_name_is_of_a_record() -> None:
    assert {name for written in WRITTEN.values() for key in written for name in records_of(key)} == RECORDS.keys()


def test_some_worker_dies_at_every_record() -> None:
    deaths = {place for places in DEATHS.values() for place in places}
    places = {f"write {name}" for name in RECORDS if name not in NOBODY_DIES} - {"write hooks around a copy"}
    stages = {f"write hooks around a copy: {stage}" for stage in get_args(HookStage)}
    assert {death for death in deaths if death.startswith("write")} == places | stages


def test_every_worker_dies() -> None:
    assert DEATHS.keys() == set(queues())


def test_hooks_have_a_place_for_each_stage() -> None:
    assert (
        place_of("write", keys.hooks_of(COPY, POD), b'{"stage": "pre-done"}') == "write hooks around a copy: pre-done"
    )


def test_what_is_no_record_is_not_taken_for_one() -> None:
    assert place_of("write", "backups/shop/news.json") == "write unknown backups/shop/news.json"
