"""One click includes a volume: what full snapshots select by then holds it."""

from pathlib import Path
from typing import Any

import pytest

from producers.actions.home import coverage
from producers.views.home.uncovered import EXCLUDE
from schemas import application
from schemas.application import Application
from schemas.errors import Invalid, NotFound
from schemas.kubernetes import CLAIMS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS, STATEFUL_SETS, Object
from tests.support.front import Front
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.capture.scope import scope_of, spec_for
from workers.manifests.capture.select import capture
from workers.manifests.capture.volume_plan import plan_volumes

BACKUP = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {includedNamespaces: [shop]}\n"


def owned(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": True}]


def pod(namespace: str, name: str, claim: str, owner: list[dict[str, Any]] | None = None) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"a": "b"}, "ownerReferences": owner or []},
        "spec": {
            "nodeName": "node-a",
            "containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
        "status": {"phase": "Running"},
    }


def claim(namespace: str, name: str) -> list[Object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"volumeName": f"pv-{name}"},
            "status": {"phase": "Bound"},
        },
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"}, "spec": {}},
    ]


def workload(kind: str, namespace: str, name: str, claim: str = "", **spec: Any) -> Object:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [], "volumes": volumes}}
    metadata = {"namespace": namespace, "name": name, "uid": name}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"template": template} | spec}


def front(tmp: Path, *objects: Object) -> Front:
    made = Front(tmp)
    app = Application(slug="shop", name="Shop", namespaces=["shop"], backup=BACKUP)
    console = made.session.settings.console_namespace
    made.cluster = MemoryCluster([application.to_secret(app, console), *objects])
    made.session._cluster = made.cluster
    return made


def copied(of: Front) -> list[str]:
    """The volumes that a full snapshot would copy now."""
    console = of.session.settings.console_namespace
    apps = [application.from_secret(each) for each in of.cluster.list(SECRETS, console, application.LABEL)]
    taken = capture(of.cluster, scope_of(console, apps, None))
    planned = plan_volumes(taken.objects, spec_for(apps, None).default_volumes)
    assert planned.errors == []
    return [volume.key(each.namespace, each.name) for each in planned.pods for volume in each.volumes]


def test_a_volume_of_a_deployment_is_included_and_stays_so(tmp_path: Path) -> None:
    replicas = workload("ReplicaSet", "shop", "web-1", "data")
    replicas["metadata"]["ownerReferences"] = owned("Deployment", "web")
    of = front(
        tmp_path,
        *claim("shop", "data"),
        workload("Deployment", "shop", "web", "data"),
        replicas,
        pod("shop", "web-1-x", "data", owned("ReplicaSet", "web-1")),
    )
    assert copied(of) == []
    assert coverage.include(of.session, "shop", "data") == ["Pod shop/web-1-x", "Deployment shop/web"]
    assert copied(of) == ["shop/data"]
    template = of.cluster.get(DEPLOYMENTS, "shop", "web")["spec"]["template"]["metadata"]
    assert template["annotations"] == {"backup.velero.io/backup-volumes": "data"}
    assert template["labels"] == {"a": "b", "kots.io/backup": "velero"}
    assert coverage.include(of.session, "shop", "data") == []


def test_a_volume_of_a_stateful_set_is_named_as_its_claims_are_made(tmp_path: Path) -> None:
    made = [{"metadata": {"name": "data"}, "spec": {}}]
    of = front(
        tmp_path,
        *claim("shop", "data-db-0"),
        workload("StatefulSet", "shop", "db", volumeClaimTemplates=made),
        pod("shop", "db-0", "data-db-0", owned("StatefulSet", "db")),
    )
    coverage.include(of.session, "shop", "data-db-0")
    template = of.cluster.get(STATEFUL_SETS, "shop", "db")["spec"]["template"]["metadata"]
    assert template["annotations"] == {"backup.velero.io/backup-volumes": "data"}
    assert copied(of) == ["shop/data-db-0"]


def test_what_was_opted_in_before_stays_so(tmp_path: Path) -> None:
    lone = pod("shop", "p", "data")
    lone["metadata"]["annotations"] = {"backup.velero.io/backup-volumes": "other"}
    of = front(tmp_path, *claim("shop", "data"), lone)
    coverage.include(of.session, "shop", "data")
    said = of.cluster.get(PODS, "shop", "p")["metadata"]["annotations"]
    assert said == {"backup.velero.io/backup-volumes": "other,data"}


def test_a_namespace_in_which_nobody_looks_is_given_to_an_application(tmp_path: Path) -> None:
    of = front(tmp_path, *claim("batch", "cache"), pod("batch", "job", "cache"))
    with pytest.raises(Invalid, match="no application looks in the namespace batch"):
        coverage.include(of.session, "batch", "cache")
    assert copied(of) == []
    assert coverage.include(of.session, "batch", "cache", "shop") == ["application shop", "Pod batch/job"]
    assert copied(of) == ["batch/cache"]


def test_a_claim_that_no_pod_mounts_cannot_be_included(tmp_path: Path) -> None:
    of = front(tmp_path, *claim("shop", "left"))
    with pytest.raises(Invalid, match="no pod mounts shop/left"):
        coverage.include(of.session, "shop", "left")
    with pytest.raises(NotFound):
        coverage.include(of.session, "shop", "nothing")


def test_what_is_left_out_for_good_is_no_longer_taken(tmp_path: Path) -> None:
    of = front(tmp_path, *claim("shop", "data"), pod("shop", "p", "data"))
    assert coverage.leave_out(of.session, "shop", "data") == "PersistentVolumeClaim shop/data"
    assert of.cluster.get(CLAIMS, "shop", "data")["metadata"]["labels"] == {EXCLUDE: "true"}
    assert coverage.leave_out(of.session, "shop") == "Namespace shop"
    assert of.cluster.get(NAMESPACES, None, "shop")["metadata"]["labels"][EXCLUDE] == "true"


def test_a_namespace_is_included_with_what_somebody_has_made_in_it(tmp_path: Path) -> None:
    def config(name: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "edge", "name": name}}

    of = front(tmp_path, workload("Deployment", "edge", "proxy"), config("settings"), config("kube-root-ca.crt"))
    said = coverage.include_namespace(of.session, "edge", "shop")
    assert said == ["application shop", "ConfigMap edge/settings", "Deployment edge/proxy"]
    assert coverage.include_namespace(of.session, "edge") == []
    template = of.cluster.get(DEPLOYMENTS, "edge", "proxy")["spec"]["template"]
    assert template["metadata"]["labels"] == {"a": "b"}
