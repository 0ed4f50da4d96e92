"""Claims with data that no pod of a backup mounts."""

from typing import Any

import pytest

from schemas.kubernetes import Object
from schemas.velero import LabelSelector
from tests.support.objects import claim, make, on_claim, opted_in, pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.capture.scope import Selection
from workers.manifests.capture.select import capture

SHOP = {"kots.io/app-slug": "shop"}
SELECTION = Selection("shop", ("shop",), (LabelSelector(match_labels=SHOP),))
TOLD = "PersistentVolumeClaim shop/data is mounted by no pod: what is in it is not in the backup"


def told(*objects: Object) -> tuple[list[str], list[str]]:
    """Warnings and errors of capturing these."""
    captured = capture(MemoryCluster(objects), [SELECTION])
    return [str(each) for each in captured.warnings], [str(each) for each in captured.errors]


def workload(kind: str = "Deployment", **spec: Any) -> Object:
    """One whose pods have the volume `data` copied."""
    template = {
        "metadata": {"labels": SHOP, "annotations": opted_in("data")},
        "spec": {"volumes": [] if kind == "StatefulSet" else [{"name": "data", **on_claim("data")}]},
    }
    made = {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]} if kind == "StatefulSet" else {}
    return make(kind, "db", "shop", "apps/v1", labels=SHOP, spec={"template": template, **made, **spec})


def test_a_bound_claim_that_no_pod_mounts_is_told_by_name() -> None:
    assert told(claim("data", labels=SHOP)) == ([TOLD], [])


def test_one_that_a_pod_mounts_is_not_whether_it_is_copied_or_not() -> None:
    assert told(claim("data", labels=SHOP), pod("db", labels=SHOP, volumes={"data": on_claim("data")})) == ([], [])


def test_one_without_a_volume_or_outside_the_backup_is_not() -> None:
    pending = claim("data", labels=SHOP)
    pending["status"]["phase"] = "Pending"
    excluded = claim("other", labels=SHOP | {"velero.io/exclude-from-backup": "true"})
    assert told(pending, excluded, claim("foreign"), make("ConfigMap", "c", "shop", labels=SHOP)) == ([], [])


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "ReplicaSet"])
def test_one_that_a_workload_without_pods_has_copied_is_an_error_though_it_has_no_label(kind: str) -> None:
    error = f"PersistentVolumeClaim shop/data is mounted by no pod, though {kind} shop/db has it copied: "
    assert told(claim("data"), workload(kind, replicas=0)) == ([], [f"{error}what is in it is not in the backup"])


def test_of_a_stateful_set_the_claims_of_its_replicas_are_errors_and_those_left_over_are_not() -> None:
    claims = [claim(f"data-db-{number}") for number in range(3)]
    db = pod("db-0", labels=SHOP, volumes={"data": on_claim("data-db-0")})
    scaled_to_two = told(*claims, db, workload("StatefulSet", replicas=2))
    assert [error.split()[1] for error in scaled_to_two[1]] == ["shop/data-db-1"]
    scaled_to_none = told(*claims, claim("data-db-x"), claim("data-dba-0"), workload("StatefulSet", replicas=0))
    assert [error.split()[1] for error in scaled_to_none[1]] == [f"shop/data-db-{number}" for number in range(3)]


def test_a_claim_that_a_pod_on_its_way_out_mounts_is_told_once() -> None:
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    old = pod("old", labels=SHOP, annotations=opted_in("data"), volumes={"data": on_claim("data")}, metadata=going)
    warnings, errors = told(claim("data", labels=SHOP), old)
    assert (len(warnings), len(errors)) == (1, 1)
    assert "being deleted" in errors[0]


def test_in_the_default_mode_a_claim_of_a_pod_on_its_way_out_is_a_warning() -> None:
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    old = pod("old", labels=SHOP, volumes={"data": on_claim("data")}, metadata=going)
    selection = Selection("shop", ("shop",), (LabelSelector(match_labels=SHOP),), default_volumes=True)
    captured = capture(MemoryCluster([claim("data"), old]), [selection])
    assert captured.errors == []
    assert (
        str(captured.warnings[1])
        == "Pod shop/old, volume data, was not copied: the pod is being deleted; back up again"
    )
