"""What there is to see of a job under way, of what a backup holds, and of what a restore would do; and of files."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.cli.main import cli
from producers.views.standing import standing
from schemas import keys
from schemas.errors import Invalid, NotFound
from schemas.job import backup, restore
from schemas.records import (
    BackupPlan,
    CopyState,
    OwnerEnded,
    PodPlan,
    PodResult,
    RestorePlan,
    RestoreRequest,
    Undeploy,
    Undeployed,
    VolumePlan,
    VolumeResult,
)
from tests.support.front import NOON, Front, volume
from workers.jobs import ledger
from workers.repository.format.layout import pack_key


def _json(front: Front, command: str) -> Any:
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session)
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def _pod(name: str, volumes: int) -> PodPlan:
    found = [VolumePlan(name=f"v{number}", kind="claim", directory="d") for number in range(volumes)]
    return PodPlan(namespace="shop", name=name, uid="u", node="n", volumes=found)


def test_of_a_backup_under_way_there_are_phase_and_bytes(front: Front) -> None:
    job = backup("a")
    front.begin("a")
    assert _json(front, "describe backup a")["phase"] == "licensed"
    pods = [_pod("db-0", 2), _pod("db-1", 1)]
    ledger.create(front.store, keys.plan(job), BackupPlan(manifest="m", objects=14, pods=pods))
    ledger.put(front.store, keys.slices(job, "shop/db-0"), CopyState(done=1, volumes=[volume()]))
    found = _json(front, "describe backup a")
    said = (found["phase"], found["objects"], found["volumes_done"], found["volumes"], found["bytes_done"])
    assert said == ("copying", 14, 1, 3, 100)
    shown = CliRunner().invoke(cli, ["describe", "backup", "a"], obj=front.session).stdout
    assert "copying volumes" in shown
    assert "1 of 3" in shown
    for pod, volumes in (("db-0", 2), ("db-1", 1)):
        result = PodResult(pod=f"shop/{pod}", volumes=[volume()] * volumes, finished_at=NOON)
        ledger.create(front.store, keys.pod_result(job, f"shop/{pod}"), result)
    assert standing(front.store, job).phase == "finishing"


def test_of_a_restore_under_way_too(front: Front) -> None:
    job = restore("b-r")
    ledger.begin(front.store, job)
    asked = RestoreRequest(name="b-r", request="q", event_id="e", requested_at=NOON, backup="b", scope="full")
    ledger.create(front.store, keys.request(job), asked)
    assert _json(front, "describe restore b-r")["phase"] == "preparing"
    plan = RestorePlan(backup="b", manifest="m", objects=14, volumes=[], owners=["shop"], snapshot="b-r-before")
    ledger.create(front.store, keys.plan(job), plan)
    ledger.create(front.store, keys.undeploy(job), Undeploy(objects=[]))
    found = _json(front, "describe restore b-r")
    assert (found["phase"], found["planned_objects"], found["left_alone"]) == ("securing", 14, [])
    front.back_up("b-r-before")
    assert standing(front.store, job).phase == "removing"
    ledger.create(front.store, keys.undeployed(job, "shop"), Undeployed(finished_at=NOON))
    result = VolumeResult(volume="v", bytes=70, finished_at=NOON)
    ledger.create(front.store, keys.volume_result(job, "v"), result)
    assert (standing(front.store, job).phase, standing(front.store, job).bytes_done) == ("restoring", 70)
    ledger.create(front.store, keys.owner_ended(job, "shop"), OwnerEnded(finished_at=NOON))
    assert standing(front.store, job).phase == "finishing"


def test_the_objects_of_a_backup_are_listed(held: Front) -> None:
    found = _json(held, "describe backup full --objects")["contents"]
    assert [(each["kind"], each["namespace"], each["owners"]) for each in found] == [
        ("Secret", "snapline-console", ["console"]),
        ("StatefulSet", "shop", ["shop"]),
        ("Secret", "shop", ["shop"]),
        ("ClusterRole", "", ["blog"]),
    ]
    shown = CliRunner().invoke(cli, ["describe", "backup", "full", "--objects"], obj=held.session).stdout
    assert "größe [/b]" in shown
    assert "contents" not in _json(held, "describe backup full")


@pytest.mark.parametrize(
    ("options", "objects", "volumes"),
    [
        ("", 4, 1),
        ("--exclude-apps", 1, 0),
        ("--exclude-admin-console", 3, 1),
        ("--app shop", 2, 1),
        ("--app blog", 1, 0),
    ],
)
def test_a_dry_run_says_what_would_come_back_and_asks_for_nothing(
    held: Front, options: str, objects: int, volumes: int
) -> None:
    found = _json(held, f"restore --from-backup full --dry-run {options}")
    assert (found["objects"], sum(found["kinds"].values()), found["volumes"]) == (objects, objects, volumes)
    assert held.bus.published == []


@pytest.mark.parametrize("options", ["--from-backup failed", "--from-backup nope", "--from-backup full --app nope"])
def test_a_dry_run_of_what_the_gate_would_reject_is_refused(held: Front, options: str) -> None:
    done = CliRunner().invoke(cli, ["restore", "--dry-run", *options.split()], obj=held.session)
    assert isinstance(done.exception, Invalid | NotFound)


def test_files_are_found_by_name_or_path(two: Front) -> None:
    found = _json(two, "files find second *.conf")
    assert [(each["volume"], each["path"]) for each in found] == [
        ("shop/data", "etc/changed.conf"),
        ("shop/data", "etc/same.conf"),
    ]
    assert [each["path"] for each in _json(two, "files find second etc/c* --volume data")] == ["etc/changed.conf"]
    assert _json(two, "files find second nothing") == []
    names = CliRunner().invoke(cli, ["files", "find", "first", "g*", "-o", "name"], obj=two.session).stdout
    assert names == "gone\n"


def test_what_differs_between_two_backups_is_told(two: Front) -> None:
    found = {each["path"]: (each["what"], each["fields"]) for each in _json(two, "files diff first second")}
    assert found == {
        "etc/changed.conf": ("changed", ["size", "mtime"]),
        "gone": ("removed", []),
        "new": ("added", []),
    }
    assert _json(two, "files diff first first") == []
    assert {each["what"] for each in _json(two, "files diff second first --volume shop/data")} == {
        "added",
        "removed",
        "changed",
    }


def test_what_a_killed_worker_has_left_behind_is_no_alarm(two: Front) -> None:
    """A pack that it has put, and not listed any more."""
    left = next(iter(two.objects.list("repository/packs/")))
    two.objects.put(pack_key(bytes(16)), two.objects.get(left.key))
    for command in ("check", "verify"):
        done = CliRunner().invoke(cli, ["repository", command, "-o", "json"], obj=two.session)
        assert (done.exit_code, json.loads(done.stdout)["problems"]) == (0, [])
        assert "1 pack is in no index object" in done.stderr
        assert "`snapline repository prune`" in done.stderr


def test_a_pack_that_is_not_listed_is_an_alarm_where_something_is_missed(two: Front) -> None:
    for index in list(two.objects.list("repository/index/")):
        two.objects.delete(index.key)
    done = CliRunner().invoke(cli, ["repository", "check", "-o", "json"], obj=two.session)
    problems = json.loads(done.stdout)["problems"]
    assert done.exit_code == 1
    assert any("in no index object: the index may lack them" in each["problem"] for each in problems)
