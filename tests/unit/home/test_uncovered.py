"""Volumes and namespaces that are in no good snapshot."""

from typing import Any

import pytest

from producers.views.home.uncovered import Live, Uncovered, quantity, uncovered
from schemas.kubernetes import Object
from schemas.records import Coverage


def claim(namespace: str, name: str, labels: dict[str, str] | None = None, **more: Any) -> Object:
    status = {"phase": "Bound", "capacity": {"storage": "10Gi"}} | more
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "status": status,
    }


def pod(namespace: str, name: str, claims: dict[str, str], opts_in: str = "", **labels: str) -> Object:
    annotations = {"backup.velero.io/backup-volumes": opts_in} if opts_in else None
    volumes = [{"name": each, "persistentVolumeClaim": {"claimName": of}} for each, of in claims.items()]
    return {
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": labels, "annotations": annotations},
        "spec": {"volumes": [*volumes, {"name": "tmp", "emptyDir": {}}]},
        "status": {"phase": "Running"},
    }


def space(name: str, **labels: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def look(pods: list[Object], claims: list[Object], *held: str, spaces: list[Object] | None = None) -> Uncovered:
    covers = [Coverage(owner="shop", namespaces=["shop"])]
    return uncovered(Live(pods, claims, spaces or []), set(held), covers, {"shop"}, "console")


def test_a_claim_that_is_in_a_good_snapshot_is_covered() -> None:
    assert look([], [claim("shop", "data")], "shop/data") == Uncovered()


def test_the_others_say_why() -> None:
    pods = [pod("shop", "db-0", {"data": "data"}), pod("batch", "job", {"x": "cache"})]
    found = look(pods, [claim("shop", "data"), claim("shop", "left"), claim("batch", "cache")])
    assert [(each.key, each.why, each.pod) for each in found.volumes] == [
        ("batch/cache", "Its namespace belongs to no application", "job"),
        ("shop/data", "Its pod db-0 does not opt it in", "db-0"),
        ("shop/left", "No pod mounts it", None),
    ]
    assert found.volumes[0].size == 10 * 2**30


def test_one_that_opts_in_waits_for_the_next_snapshot() -> None:
    label = {"kots.io/backup": "velero"}
    assert look([pod("shop", "db", {"d": "data"}, "d, x", **label)], [claim("shop", "data")]).volumes[0].waits
    assert not look([pod("shop", "db", {"d": "data"}, "d")], [claim("shop", "data")]).volumes[0].waits
    assert not look([pod("shop", "db", {"d": "data"}, "x", **label)], [claim("shop", "data")]).volumes[0].waits


def test_what_is_left_out_for_good_is_counted() -> None:
    out = {"velero.io/exclude-from-backup": "true"}
    closed = space("old", **out)
    found = look([], [claim("shop", "cache", out), claim("old", "data")], spaces=[closed])
    assert (found.volumes, found.left_out) == ((), 2)


def test_a_claim_without_data_or_on_its_way_out_needs_no_cover() -> None:
    going = claim("shop", "going")
    going["metadata"]["deletionTimestamp"] = "2026-11-26T00:00:00Z"
    assert look([], [claim("shop", "new", phase="Pending"), going, claim("kube-system", "x")]) == Uncovered()


def test_namespaces_in_which_nobody_looks_and_something_runs() -> None:
    pods = [pod("edge", "proxy", {}), pod("shop", "web", {}), pod("kube-system", "dns", {}), pod("console", "c", {})]
    spaces = [space(name) for name in ("edge", "shop", "empty", "kube-system", "console")]
    assert [(each.name, each.pods) for each in look(pods, [], spaces=spaces).namespaces] == [("edge", 1)]


@pytest.mark.parametrize(
    ("text", "size"),
    [("10Gi", 10 * 2**30), ("500M", 5 * 10**8), ("12", 12), ("1.5Ki", 1536), ("1e3", 1000), ("", None), ("x", None)],
)
def test_quantities(text: str, size: int | None) -> None:
    assert quantity(text) == size
