"""Several applications in the console's namespace: what a restore brings back, and what it leaves alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.kubernetes import Object
from tests.e2e.neighbours import meanwhile, scenes
from tests.e2e.neighbours.pictures import is_going, picture, volume_of
from tests.e2e.neighbours.requests import ask_backup, ended, told
from tests.e2e.neighbours.scenes import Alone, Cancelled, Disaster, Later, Stuck, Whole
from tests.e2e.neighbours.setting import (
    ARCHIVE,
    CASTINGS,
    FOUNDRY,
    HAND_MADE,
    QUARRY,
    add_again,
    backup_yaml,
    neighbours,
)
from tests.support.line import CONSOLE, Line, until
from tests.support.pods import Installation
from tests.support.real_cluster import needs_a_cluster

pytestmark = [pytest.mark.timeout(900, func_only=True), needs_a_cluster]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("neighbours")


@pytest.fixture(scope="module")
def line(root: Path, installation: Installation | None) -> Iterator[Line]:
    with neighbours(root, installation) as line:
        yield line


@pytest.fixture(scope="module")
def whole(line: Line) -> Whole:
    return scenes.whole(line)


@pytest.fixture(scope="module")
def cancelled(line: Line, whole: Whole, root: Path) -> Cancelled:
    return scenes.cancelled(line, whole.name, root / "data")


@pytest.fixture(scope="module")
def alone(line: Line, whole: Whole) -> Alone:
    return scenes.alone(line, whole.name)


@pytest.fixture(scope="module")
def stuck(line: Line, whole: Whole) -> Stuck:
    return scenes.stuck(line, whole.name)


@pytest.fixture(scope="module")
def disaster(line: Line, whole: Whole) -> Disaster:
    return scenes.disaster(line, whole.name)


@pytest.fixture(scope="module")
def later(line: Line, whole: Whole) -> Later:
    assert whole.record["status"] == "Completed", whole.record
    return scenes.later(line)


# ---- one application is restored, the others are not


def test_a_restore_of_one_application_leaves_its_neighbours_alone(alone: Alone) -> None:
    assert alone.record["status"] == "Completed", alone.record
    others = (FOUNDRY, QUARRY, "console", "nobody")
    assert alone.before.uids(*others) == alone.after.uids(*others)
    before, after = alone.before.contents, alone.after.contents
    assert {key: before[key] for key in before if key not in HAND_MADE} == {
        key: after[key] for key in after if key not in HAND_MADE
    }
    mine, anew = alone.before.uids(ARCHIVE), alone.after.uids(ARCHIVE)
    assert mine.keys() == anew.keys()
    assert [name for name in mine if mine[name] == anew[name]] == ["CronJob survey"]


def test_volumes_made_by_hand_are_bound_again(line: Line, whole: Whole, alone: Alone) -> None:
    for claim in HAND_MADE:
        assert alone.before.contents[claim] != alone.after.contents[claim] == whole.was.contents[claim]
        _is_as_it_was_made(volume_of(line, claim), claim)


def _is_as_it_was_made(volume: Object, claim: str) -> None:
    assert volume["metadata"]["name"] == HAND_MADE[claim]
    assert volume["metadata"]["labels"]["shelf"] == {"shelf-archive-0": "7", "catalogue": "8"}[claim]
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_a_backup_waits_for_the_restore_of_its_application_and_is_whole(alone: Alone) -> None:
    assert alone.archive_queued["behind"] == f"restore {alone.record['name']}"
    backup = alone.archive_backup
    assert backup["status"] == "Completed", backup
    assert backup["completed_at"] > alone.record["completed_at"]
    assert {volume["claim"] for volume in backup["volumes"]} == set(HAND_MADE)


def test_a_backup_of_another_application_goes_on_beside_the_restore(alone: Alone) -> None:
    assert not alone.foundry_queued
    assert alone.foundry_backup["status"] == "Completed", alone.foundry_backup
    assert alone.foundry_backup["completed_at"] < alone.record["completed_at"]


def test_a_backup_that_a_restore_uses_is_not_deleted(alone: Alone) -> None:
    assert [alone.record["name"] in refused.reason.text for refused in alone.refusals] == [True]


def test_a_cancelled_restore_leaves_no_helper_in_the_way_back(cancelled: Cancelled) -> None:
    assert cancelled.record["status"] == "Cancelled", cancelled.record
    assert cancelled.rollback["status"] == "Completed", cancelled.rollback
    assert cancelled.before.names() == cancelled.after.names()
    assert cancelled.before.contents == cancelled.after.contents


# ---- everything is restored, and one is stuck


def test_one_that_is_stuck_holds_up_no_other(whole: Whole, stuck: Stuck) -> None:
    assert stuck.record["status"] == "PartiallyFailed", stuck.record
    for owner in (ARCHIVE, FOUNDRY):
        before, after = stuck.before.uids(owner), stuck.after.uids(owner)
        assert before.keys() == after.keys()
        assert not set(before.values()) & set(after.values())
    for claim in (*HAND_MADE, "bell"):
        assert stuck.before.contents[claim] != stuck.after.contents[claim] == whole.was.contents[claim]


def test_one_that_is_stuck_is_named_and_put_back(stuck: Stuck) -> None:
    [error] = told(stuck.record, "errors")
    assert error.startswith("quarry was not restored: services snapline-console/quarry (example.com/stuck) did not go")
    for name in ("Deployment quarry", "ConfigMap quarry"):
        assert stuck.before.uid(name) != stuck.after.uid(name)
    for name in ("Secret quarry", "PersistentVolumeClaim pit", "Service quarry"):
        assert stuck.before.uid(name) == stuck.after.uid(name)
    assert is_going(stuck.after.objects["Service quarry"])
    assert stuck.before.names() == stuck.after.names()
    assert stuck.before.contents["pit"] == stuck.after.contents["pit"]


def test_a_custom_resource_comes_back_as_it_was_and_its_controller_works_on(line: Line, stuck: Stuck) -> None:
    before, after = (each.objects["Casting bell"] for each in (stuck.before, stuck.after))
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert (
        (before["spec"], before["status"]) == (after["spec"], after["status"]) == ({"metal": "bronze"}, {"poured": 3})
    )
    _controller_works(line)


def _controller_works(line: Line) -> None:
    """For another Casting, its controller makes a pod."""
    kind = {"apiVersion": CASTINGS.api_version, "kind": CASTINGS.kind}
    line.cluster.create(CASTINGS, {**kind, "metadata": {"name": "gong", "namespace": CONSOLE}})
    until(lambda: "Pod gong-0" in picture(line).objects, "the controller makes a pod", seconds=120)
    line.cluster.delete(CASTINGS, CONSOLE, "gong")
    until(lambda: "Pod gong-0" not in picture(line).objects, "the pod goes with its Casting", seconds=120)


# ---- the namespace, the volumes and the definition are lost


def test_after_a_disaster_all_is_there_again(line: Line, whole: Whole, disaster: Disaster) -> None:
    assert disaster.record["status"] == "Completed", disaster.record
    assert disaster.before.names() == disaster.after.names()
    assert disaster.after.contents == whole.was.contents
    _controller_works(line)


def test_after_a_disaster_volumes_made_by_hand_are_bound_again(line: Line, disaster: Disaster) -> None:
    for claim in HAND_MADE:
        assert disaster.before.contents[claim] != disaster.after.contents[claim]
        _is_as_it_was_made(volume_of(line, claim), claim)


@pytest.mark.usefixtures("disaster")
def test_a_volume_made_anew_is_kept_and_labelled_as_the_old_one(line: Line) -> None:
    volume = volume_of(line, "pit")
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["metadata"]["labels"]["depth"] == "deep"


def test_a_workload_that_was_not_ready_is_not_waited_for(disaster: Disaster) -> None:
    [warning] = told(disaster.record, "warnings")
    assert warning.startswith("not ready, as it was not when it was backed up: Deployment snapline-console/quarry")


# ---- what came later, what was left out, and what stays


def test_what_came_after_the_backup_goes_and_is_named(later: Later) -> None:
    assert later.planned.newer == ["cronjobs.batch snapline-console/survey"]
    assert any("survey: deleted, since it came after the backup" in text for text in told(later.record, "warnings"))
    assert "CronJob survey" not in later.after.objects


def test_what_came_after_the_backup_stays_if_asked(alone: Alone) -> None:
    assert any("survey: left alone, though it came after" in text for text in told(alone.record, "warnings"))
    assert alone.before.uid("CronJob survey") == alone.after.uid("CronJob survey")


def test_what_is_left_out_of_the_backup_or_asks_to_be_kept_stays(whole: Whole, later: Later) -> None:
    for name in ("ConfigMap quarry", "Secret quarry"):
        assert later.before.uid(name) == later.after.uid(name) == later.back.uid(name)
    for name in ("Deployment quarry", "Service quarry", "PersistentVolumeClaim pit"):
        assert later.before.uid(name) != later.after.uid(name)
    assert later.before.contents["pit"] != later.after.contents["pit"] == whole.was.contents["pit"]


def test_a_claim_under_a_workload_that_stays_is_left_alone_and_named(later: Later) -> None:
    assert later.record["status"] == "PartiallyFailed", later.record
    [error] = told(later.record, "errors")
    assert error.startswith("snapline-console/lodger: the volume was left as it is, not restored")
    assert error in [message.text for message in later.planned.left_alone]
    assert later.before.contents["lodger"] == later.after.contents["lodger"]
    lodgers = [name for name in later.before.objects if "lodger" in name]
    assert [later.before.uid(name) for name in lodgers] == [later.after.uid(name) for name in lodgers]


def test_a_rollback_brings_back_what_was_there_before_the_restore(later: Later) -> None:
    assert later.record["snapshot"] == later.planned.snapshot == f"{later.record['name']}-before"
    assert later.rollback["backup"] == later.record["snapshot"]
    assert later.rollback["status"] == "Completed", later.rollback
    assert later.before.contents["pit"] == later.back.contents["pit"] != later.after.contents["pit"]
    assert later.before.contents == later.back.contents
    assert later.before.names() == later.back.names()
    assert "CronJob survey" in later.back.objects


# ---- Completed means whole


def test_a_full_backup_of_all_is_whole(whole: Whole) -> None:
    assert whole.record["status"] == "Completed", whole.record
    assert whole.record["errors"] == whole.record["warnings"] == []
    claims = {volume["claim"] for volume in whole.record["volumes"] if "claim" in volume}
    assert claims == {*HAND_MADE, "bell", "kotsadm", "pit"}


def test_an_api_group_that_cannot_be_listed_is_an_error(line: Line) -> None:
    with meanwhile.group_without_a_server(line):
        record = ended(line, ask_backup(line, QUARRY))
    assert record["status"] == "PartiallyFailed", record
    [error] = told(record, "errors")
    assert error.startswith("API group nowhere.example.com could not be read")


def test_a_claim_that_no_pod_mounts_is_named(line: Line) -> None:
    with meanwhile.unmounted_claim(line, "spare"):
        record = ended(line, ask_backup(line, QUARRY))
    [warning] = told(record, "warnings")
    assert "spare is mounted by no pod: what is in it is not in the backup" in warning


def test_a_short_name_in_a_backup_resource_means_its_kind(line: Line) -> None:
    record = ended(line, ask_backup(line, QUARRY))
    assert (record["status"], record["warnings"]) == ("Completed", [])
    [covered] = record["covers"]
    assert "configmaps" not in covered["kinds"]
    assert "secrets" in covered["kinds"]


def test_a_backup_resource_that_excludes_every_namespace_is_refused(line: Line) -> None:
    refused = add_again(line, QUARRY, backup_yaml({"excludedNamespaces": ["*"]}))
    assert refused.returncode == 2, refused
    assert "excludes everything (spec.excludedNamespaces holds '*')" in refused.stderr
