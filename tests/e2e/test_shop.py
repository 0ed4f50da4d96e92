"""The sample application `shop` of the test cluster: snapshot, disaster, restore, on a real two-node Kubernetes."""

from collections.abc import Iterator

import pytest

from deploy.local import looking
from schemas.kubernetes import NAMESPACES, VOLUMES
from tests.e2e.shop import BACKUP, SHOP, forget_definitions, freeze, frozen, owner, runs
from tests.support.line import Line, until
from tests.support.pods import Installation
from tests.support.real_cluster import namespaces, needs_a_cluster, real_line, register

pytestmark = [pytest.mark.timeout(900, func_only=True), needs_a_cluster]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, installation: Installation | None) -> Iterator[Line]:
    """The shop runs, with data that stays, and so do the workers; the tests come in any order."""
    with real_line(tmp_path_factory.mktemp("line"), installation) as line:
        line.namespaces = [SHOP]
        register(line, SHOP, BACKUP, SHOP)
        until(lambda: runs(line), "the shop runs", seconds=120)
        freeze(line)
        line.stack.start_workers()
        yield line


def _disaster(line: Line) -> None:
    """Namespace, volume data and custom resource definition are gone."""
    directories = [path.resolve() for _, path in line.volume_directories()]
    line.cluster.delete(NAMESPACES, None, SHOP)
    until(lambda: SHOP not in namespaces(line.cluster), "the namespace is gone", seconds=180)
    until(lambda: not any(path.exists() for path in directories), "the volume data is gone", seconds=120)
    forget_definitions(line)


def test_the_shop_survives_the_loss_of_its_namespace_and_volumes(line: Line) -> None:
    until(lambda: runs(line), "the shop runs", seconds=120)
    before = line.look()
    assert {"StatefulSet", "Deployment", "Role", "RoleBinding", "Secret"} <= {key[0] for key in before.objects}
    backup = line.snapline("backup", "--wait", "--timeout", "300")
    assert backup["status"] == "Completed", backup
    _disaster(line)
    restore = line.snapline("restore", "--from-backup", backup["name"], "--wait", "--timeout", "600")
    assert restore["status"] == "Completed", restore
    until(lambda: runs(line), "the shop runs again", seconds=120)
    after = line.look()
    changed = [line for line in looking.differences(before, after) if line.startswith("object")]
    assert changed == []
    assert frozen(before) == frozen(after)
    assert any(frozen(after).values())
    assert line.dead_letters() == []


def test_a_partial_snapshot_restores_over_the_running_shop(line: Line) -> None:
    until(lambda: runs(line), "the shop runs", seconds=120)
    before = line.look()
    backup = line.snapline("backup", "--app", SHOP, "--wait", "--timeout", "300")
    for _, directory in line.volume_directories():
        (directory / "frozen" / "empty-file").write_text("overwritten after the snapshot")
    restore = line.snapline("restore", "--from-backup", backup["name"], "--wait", "--timeout", "600")
    assert restore["status"] == "Completed", restore
    assert frozen(before) == frozen(line.look())


def _uids(line: Line) -> set[str]:
    """Of all that the shop is, without what its CronJob makes meanwhile and what the cluster keeps of it."""
    passing = {"Job", "Event", "Lease", "Endpoints", "EndpointSlice"}
    kinds = [type_ for type_ in line.cluster.discover().types if type_.namespaced and type_.kind not in passing]
    found = [obj for type_ in kinds if "list" in type_.verbs for obj in line.cluster.list(type_, SHOP)]
    return {obj["metadata"]["uid"] for obj in found if owner(obj) != "Job"}


def test_a_test_restore_shows_that_the_shop_comes_back_and_leaves_it_alone(line: Line) -> None:
    until(lambda: runs(line), "the shop runs", seconds=120)
    backup = line.snapline("backup", "--app", SHOP, "--wait", "--timeout", "300")["name"]
    before = _uids(line)
    whole = "test $(ls /data/frozen | wc -l) -gt 2 && test $(cat /data/rows/3) = row-3"
    tried = line.snapline(
        *("test-restore", backup, "--namespace", "shop-trial", "--wait", "--timeout", "300"),
        *("--check-in", "db", "--check-command", f"sh -c '{whole}'", "--probe", "web:80/index.html"),
    )
    assert tried["status"] == "Completed", line.snapline("describe", "restore", tried["name"])
    assert tried["test"]
    assert tried["restore_seconds"] > 0
    until(lambda: "shop-trial" not in namespaces(line.cluster), "the scratch namespace is gone", seconds=180)
    until(lambda: line.snapline("describe", "backup", backup)["test_restore"] is not None, "the result", seconds=120)
    described = line.snapline("describe", "backup", backup)
    assert (described["test_restore"], described["restore_seconds"]) == ("passed", tried["restore_seconds"])
    assert _uids(line) == before
    until(lambda: "shop-trial" not in _reserving(line), "its volumes are gone", seconds=120)
    assert line.dead_letters() == []


def _reserving(line: Line) -> set[str]:
    """The namespaces of the claims that have volumes."""
    return {(volume["spec"].get("claimRef") or {}).get("namespace", "") for volume in line.cluster.list(VOLUMES)}
