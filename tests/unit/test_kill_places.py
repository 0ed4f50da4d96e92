"""No record without a kill: what jobs write, by the functions that name it, and where the workers die."""

import inspect
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import get_args

import pytest

from schemas import keys, topology
from schemas.job import backup, restore
from schemas.records.hooks import HookStage
from tests.support.kill_places import DEATHS, RECORDS, place_of, records_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)
COPY, BACK, POD = backup("shop-bcdfg"), restore("shop-bcdfg-hjkmn"), "shop/data 0"

WRITTEN: Mapping[str, list[str]] = {
    "running": [keys.running(COPY), keys.running(BACK)],
    "final": [keys.final(COPY), keys.final(BACK)],
    "request": [keys.request(COPY), keys.request(BACK)],
    "rejection": [keys.rejection(COPY, "request"), keys.rejection(BACK, "request")],
    "asked": [keys.asked("backup", "request"), keys.asked("restore", "request")],
    "deleted": [keys.deleted(COPY)],
    "plan": [keys.plan(COPY), keys.plan(BACK)],
    "turn": [keys.turn(COPY), keys.turn(BACK)],
    "queued": [keys.queued(COPY), keys.queued(BACK)],
    "holder": [keys.holder("console", 1), keys.holder("application/shop", 12)],
    "sharer": [keys.sharer("console", COPY, "run"), keys.sharer("application/shop", COPY, "run")],
    "in_line": [keys.in_line("console", COPY, NOW), keys.in_line("application/shop", BACK, NOW)],
    "manifest": [keys.manifest(COPY, "digest")],
    "undeploy": [keys.undeploy(BACK)],
    "replaced": [keys.replaced(BACK, "digest")],
    "undeployed": [keys.undeployed(BACK, "shop")],
    "wave_began": [keys.wave_began(BACK, "shop", wave) for wave in get_args(keys.Wave)],
    "wave_applied": [keys.wave_applied(BACK, "shop", wave) for wave in get_args(keys.Wave)],
    "owner_ended": [keys.owner_ended(BACK, "shop")],
    "put_back": [keys.put_back(BACK, "shop")],
    "worker_of": [keys.worker_of(BACK, "run")],
    "stage_began": [keys.stage_began(BACK, stage, whose) for stage in get_args(keys.Stage) for whose in ("shop", POD)]
    + [keys.stage_began(COPY, "claims-mounted", POD)],
    "slices": [keys.slices(COPY, POD), keys.slices(BACK, POD)],
    "hooks_of": [keys.hooks_of(COPY, POD), keys.hooks_of(BACK, POD)],
    "hook_plans": [keys.hook_plans(COPY, "digest")],
    "hook_output": [keys.hook_output(COPY, POD, "pre-0"), keys.hook_output(BACK, POD, "restore-0")],
    "hook_run": [keys.hook_run(BACK, POD, 0)],
    "pod_result": [keys.pod_result(COPY, POD)],
    "volume_result": [keys.volume_result(BACK, POD)],
    "parent": [keys.parent("claim/uid")],
    "notification": [keys.notification("event", "target")],
    "wanted_prune": [keys.wanted_prune("backup/shop-bcdfg")],
    "verification": [keys.verification("request")],
    "upkeep_lease": [keys.upkeep_lease(kind) for kind in get_args(keys.Upkeep)],
    "CLOCK": [keys.CLOCK],
}
"""Function, or constant, of `schemas.keys` -> keys that it makes of what a job writes."""

PREFIXES = {"running_of", "jobs", "of", "finals_of", "rejections_of", "rejections", "holders", "sharers", "owners"} | {
    "line",
    "hooks",
    "workers_of",
    "pod_results",
    "volume_results",
}
WRITTEN_BY_OTHERS = {"cancel"}
NO_KEYS = {"helper_pod", "is_began", "is_put_back"}
NOBODY_DIES = {"writing slice", "verification"}
"""Written for larger volumes than these of the line's tests; tests/repository/test_killed.py kills between slices. And
nothing is verified there; tests/unit/test_upkeep.py kills between two volumes."""


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
    assert DEATHS.keys() == {*topology.QUEUES, "volumes.node-a"}


def test_hooks_have_a_place_for_each_stage() -> None:
    assert (
        place_of("write", keys.hooks_of(COPY, POD), b'{"stage": "pre-done"}') == "write hooks around a copy: pre-done"
    )


def test_what_is_no_record_is_not_taken_for_one() -> None:
    assert place_of("write", "backups/shop/news.json") == "write unknown backups/shop/news.json"
