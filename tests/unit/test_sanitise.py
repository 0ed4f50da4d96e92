"""From captured objects to ones that can be created (Velero's rules, field by field)."""

import copy
import json
from typing import Any

import pytest

from schemas.kubernetes import Object
from tests.support.objects import claim, definition, make, on_claim, owner, pod, volume
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.types import BUILTIN
from workers.manifests.kube.label_value import label_value
from workers.manifests.restore.sanitise import sanitise, skip_reason

TOKEN = "kubernetes.io/service-account-token"


def clean(obj: Object) -> Object:
    new = sanitise(obj, restore="r1", backup="b1")
    assert new is not None, skip_reason(obj)
    return new


# --- all kinds


def test_what_the_server_sets_goes_and_what_people_set_stays() -> None:
    server = {
        "generateName": "web-",
        "selfLink": "/x",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 30,
        "managedFields": [{}],
        "ownerReferences": [owner(make("ReplicaSet", "web", "shop", "apps/v1"))],
        "finalizers": ["example.com/mine", "foregroundDeletion"],
    }
    labels, annotations = {"a": "b"}, {"deployment.kubernetes.io/revision": "3"}
    obj = make(
        "Widget",
        "w",
        "shop",
        "x.example.com/v1",
        labels=labels,
        annotations=annotations,
        metadata=server,
        status={"ok": True},
    )
    new = clean(obj)
    assert new["metadata"] == {
        "name": "w",
        "namespace": "shop",
        "labels": {"a": "b", "velero.io/backup-name": "b1", "velero.io/restore-name": "r1"},
        "annotations": annotations,
        "finalizers": ["example.com/mine"],
    }
    assert "status" not in new


def test_the_captured_object_is_left_as_it_is() -> None:
    objects = [
        pod("p"),
        claim("c"),
        volume("v", claim("c"), "Retain"),
        make("Service", "s", "shop", spec={"clusterIP": "1.2.3.4"}),
    ]
    before = copy.deepcopy(objects)
    for obj in objects:
        clean(obj)
    assert objects == before


def test_a_status_stays_where_an_annotation_asks_for_it() -> None:
    asked = {"velero.io/restore-status": "true"}
    assert clean(make("Widget", "w", "shop", "x.example.com/v1", annotations=asked, status={"ok": True}))["status"] == {
        "ok": True
    }


def test_long_names_become_labels_as_velero_makes_them() -> None:
    name = "a" * 70
    assert label_value("a" * 63) == "a" * 63
    assert label_value(name) == "a" * 57 + "6bd5e5"


def test_everything_that_is_restored_can_be_created() -> None:
    kinds = [served.type for served in BUILTIN]
    cluster = MemoryCluster([make("Namespace", "shop")])
    for type_ in kinds:
        obj = make(
            type_.kind, "x", "shop" if type_.namespaced else None, type_.api_version, metadata={"resourceVersion": "7"}
        )
        if type_.kind in ("Namespace", "CustomResourceDefinition"):
            continue
        if type_.kind == "Pod":
            obj = pod("x")
        if new := sanitise(obj, restore="r1", backup="b1"):
            cluster.create(type_, new)


# --- skipped


@pytest.mark.parametrize(
    "obj",
    [
        make("Node", "n"),
        make("Event", "e", "shop"),
        make("Event", "e", "shop", "events.k8s.io/v1"),
        make("Lease", "l", "shop", "coordination.k8s.io/v1"),
        make("Backup", "b", "velero", "velero.io/v1"),
        make("CSINode", "n", api="storage.k8s.io/v1"),
        pod("p", phase="Succeeded"),
        pod("p", phase="Failed"),
        pod("p", annotations={"kubernetes.io/config.mirror": "x"}),
        pod("p", labels={"snapline.dev/restore": "r0"}),
        make("Job", "j", "shop", "batch/v1", status={"completionTime": "2026-01-01T00:00:00Z"}),
        make(
            "APIService",
            "v1.apps",
            api="apiregistration.k8s.io/v1",
            labels={"kube-aggregator.kubernetes.io/automanaged": "true"},
        ),
        make(
            "Secret", "web-token-x7k2p", "shop", type=TOKEN, annotations={"kubernetes.io/service-account.name": "web"}
        ),
        make("ConfigMap", "kube-root-ca.crt", "shop"),
        volume("pv"),
    ],
    ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}",
)
def test_what_is_never_restored_has_a_reason(obj: Object) -> None:
    assert skip_reason(obj)
    assert sanitise(obj, restore="r1", backup="b1") is None


@pytest.mark.parametrize(
    "obj",
    [
        pod("p"),
        pod("p", phase="Pending"),
        make("Job", "j", "shop", "batch/v1", status={"active": 1}),
        make("ReplicaSet", "r", "shop", "apps/v1", owners=[owner(make("Deployment", "d", "shop", "apps/v1"))]),
        make("APIService", "v1.x", api="apiregistration.k8s.io/v1", spec={"service": {"name": "x"}}),
        make("Secret", "mine", "shop", type=TOKEN, annotations={"kubernetes.io/service-account.name": "web"}),
        volume("pv", reclaim="Retain"),
        make("PersistentVolume", "by-hand", spec={"persistentVolumeReclaimPolicy": "Delete"}),
        make("Endpoints", "e", "shop"),
    ],
    ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}",
)
def test_what_is_restored_has_none(obj: Object) -> None:
    assert skip_reason(obj) is None


# --- pods


def test_a_pod_goes_to_any_node_with_the_priority_of_its_class() -> None:
    spec = {
        "priority": 7,
        "preemptionPolicy": "Never",
        "priorityClassName": "high",
        "ephemeralContainers": [{"name": "debug"}],
    }
    new = clean(pod("p", spec=spec))["spec"]
    assert new["priorityClassName"] == "high"
    assert not {"nodeName", "priority", "preemptionPolicy", "ephemeralContainers"} & new.keys()


@pytest.mark.parametrize(
    ("account", "name", "definition_"),
    [
        ("web", "web-token-x7k2p", {"secret": {"secretName": "web-token-x7k2p"}}),
        ("default", "default-token-x7k2p", {"secret": {"secretName": "default-token-x7k2p"}}),
        ("web", "kube-api-access-x7k2p", {"projected": {"sources": []}}),
        ("a" * 60, "a" * 58 + "x7k2p", {"secret": {"secretName": "a" * 58 + "x7k2p"}}),
    ],
)
def test_token_volumes_that_admission_added_go_with_their_mounts(
    account: str, name: str, definition_: dict[str, Any]
) -> None:
    init = {"name": "init", "volumeMounts": [{"name": name, "mountPath": "/t"}]}
    volumes = {"data": on_claim("data"), name: definition_}
    new = clean(pod("p", volumes=volumes, spec={"serviceAccountName": account, "initContainers": [init]}))["spec"]
    assert [v["name"] for v in new["volumes"]] == ["data"]
    assert [m["name"] for m in new["containers"][0]["volumeMounts"]] == ["data"]
    assert new["initContainers"][0]["volumeMounts"] == []


def test_a_vendors_own_volume_that_looks_like_a_token_stays() -> None:
    volumes = {
        "web-token-store": {"secret": {"secretName": "web-token-store"}},
        "web-token-x7k2p": {"secret": {"secretName": "other"}},
        "tokens": {"projected": {"sources": []}},
    }
    new = clean(pod("p", volumes=volumes, spec={"serviceAccountName": "web"}))
    assert [v["name"] for v in new["spec"]["volumes"]] == list(volumes)


@pytest.mark.parametrize("name", ["restore-wait", "restic-wait", "snapline-wait"])
def test_what_an_earlier_restore_left_in_a_pod_goes(name: str) -> None:
    init = [{"name": name}, {"name": "migrate"}]
    new = clean(
        pod("p", volumes={"snapline-wait": {"emptyDir": {}}, "data": on_claim("d")}, spec={"initContainers": init})
    )
    assert [c["name"] for c in new["spec"]["initContainers"]] == ["migrate"]
    assert [v["name"] for v in new["spec"]["volumes"]] == ["data"]


def test_labels_by_which_controllers_adopt_stay() -> None:
    labels = {"pod-template-hash": "1", "controller-revision-hash": "2", "statefulset.kubernetes.io/pod-name": "db-0"}
    assert labels.items() <= clean(pod("p", labels=labels))["metadata"]["labels"].items()


# --- services


def service(ports: list[dict[str, Any]], **rest: Any) -> Object:
    spec = {
        "type": "NodePort",
        "clusterIP": "10.0.0.7",
        "clusterIPs": ["10.0.0.7"],
        "ports": ports,
        **rest.pop("spec", {}),
    }
    return make("Service", "web", "shop", spec=spec, **rest)


def test_a_service_gets_a_new_address_and_new_node_ports() -> None:
    spec = clean(service([{"port": 80, "nodePort": 31000}], spec={"healthCheckNodePort": 32000}))["spec"]
    assert spec == {"type": "NodePort", "ports": [{"port": 80}]}


def test_a_headless_service_stays_headless() -> None:
    spec = clean(service([], spec={"clusterIP": "None", "clusterIPs": ["None"]}))["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])


def test_node_ports_that_kubectl_applied_stay() -> None:
    applied = {"spec": {"ports": [{"port": 80, "nodePort": 31000}, {"port": 81}], "healthCheckNodePort": 32000}}
    last = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 31000}, {"port": 81, "protocol": "TCP", "nodePort": 31001}]
    spec = clean(service(ports, annotations=last, spec={"healthCheckNodePort": 32000}))["spec"]
    assert [port.get("nodePort") for port in spec["ports"]] == [31000, None]
    assert spec["healthCheckNodePort"] == 32000


def test_node_ports_that_the_server_records_as_asked_for_stay_even_unnamed_ones_that_differ_by_protocol() -> None:
    fields: dict[str, Any] = {
        "f:spec": {"f:ports": {".": {}, 'k:{"port":53,"protocol":"UDP"}': {"f:port": {}, "f:nodePort": {}}}}
    }
    ports = [{"port": 53, "protocol": "UDP", "nodePort": 31000}, {"port": 53, "protocol": "TCP", "nodePort": 31001}]
    spec = clean(service(ports, metadata={"managedFields": [{"fieldsV1": fields}]}))["spec"]
    assert [port.get("nodePort") for port in spec["ports"]] == [31000, None]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"spec": null}', '{"spec": {"ports": [null, {"nodePort": 1}]}}'])
def test_an_unreadable_annotation_does_no_harm(text: str) -> None:
    last = {"kubectl.kubernetes.io/last-applied-configuration": text}
    assert clean(service([{"port": 80, "nodePort": 31000}], annotations=last))["spec"]["ports"] == [{"port": 80}]


# --- storage


def test_a_claim_forgets_the_volume_it_had() -> None:
    set_by_controllers = (
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.kubernetes.io/storage-provisioner",
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/selected-node",
    )
    annotations = {**dict.fromkeys(set_by_controllers, "x"), "mine": "y"}
    spec = {"selector": {}, "dataSource": {}, "dataSourceRef": {}, "storageClassName": "fast"}
    new = clean(claim("data", annotations=annotations, spec=spec))
    assert new["metadata"]["annotations"] == {"mine": "y"}
    assert new["spec"] == {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}


def test_a_kept_volume_waits_for_its_claim_by_name() -> None:
    kept = volume("pv", claim("data"), "Retain", annotations={"pv.kubernetes.io/bound-by-controller": "yes"})
    new = clean(kept)
    assert new["spec"]["claimRef"] == {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data"}
    assert "pv.kubernetes.io/bound-by-controller" not in new["metadata"]["annotations"]


def test_a_claim_that_no_provisioner_served_keeps_its_selector() -> None:
    spec = {"selector": {"matchLabels": {"disk": "ssd"}}, "storageClassName": ""}
    new = clean(claim("data", spec=spec))
    assert new["spec"] == {"accessModes": ["ReadWriteOnce"], **spec}


# --- accounts


def test_an_account_forgets_generated_secrets_and_keeps_others() -> None:
    account = make(
        "ServiceAccount",
        "web",
        "shop",
        secrets=[{"name": "web-token-x7k2p"}, {"name": "web-dockercfg-x7k2p"}, {"name": "mine"}],
        imagePullSecrets=[{"name": "web-dockercfg-x7k2p"}, {"name": "registry"}],
    )
    new = clean(account)
    assert new["secrets"] == [{"name": "mine"}]
    assert new["imagePullSecrets"] == [{"name": "registry"}]


def test_a_token_that_somebody_asked_for_is_filled_anew() -> None:
    annotations = {"kubernetes.io/service-account.name": "web", "kubernetes.io/service-account.uid": "old"}
    data = {"token": "b2xk", "ca.crt": "b2xk", "namespace": "c2hvcA=="}
    new = clean(make("Secret", "mine", "shop", type=TOKEN, annotations=annotations, data=data))
    assert new["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "web"}
    assert new["data"] == {"namespace": "c2hvcA=="}


def test_other_secrets_keep_their_data() -> None:
    assert clean(make("Secret", "s", "shop", type="Opaque", data={"token": "eA=="}))["data"] == {"token": "eA=="}


# --- the rest


@pytest.mark.parametrize("label", ["controller-uid", "batch.kubernetes.io/controller-uid"])
def test_a_job_selects_its_pods_by_its_new_uid(label: str) -> None:
    labels = {label: "old", "job-name": "j"}
    spec = {"selector": {"matchLabels": {label: "old"}}, "template": {"metadata": {"labels": labels}}}
    new = clean(make("Job", "j", "shop", "batch/v1", spec=spec))["spec"]
    assert new == {"selector": {"matchLabels": {}}, "template": {"metadata": {"labels": {"job-name": "j"}}}}


def test_a_namespace_keeps_labels_and_annotations_only() -> None:
    new = clean(
        make("Namespace", "shop", labels={"a": "b"}, spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"})
    )
    assert new.keys() == {"apiVersion", "kind", "metadata"}
    assert new["metadata"]["labels"]["a"] == "b"


def test_a_definition_that_preserves_unknown_fields_says_so_as_v1_wants() -> None:
    old = definition("widgets", "Widget", "x.example.com")
    old["spec"]["preserveUnknownFields"] = True
    spec = clean(old)["spec"]
    assert spec["preserveUnknownFields"] is False
    assert spec["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] is True


@pytest.mark.parametrize(("given", "kept"), [("Unknown", "None"), ("Some", "None"), ("NoneOnDryRun", "NoneOnDryRun")])
def test_webhooks_have_side_effects_that_v1_accepts(given: str, kept: str) -> None:
    api = "admissionregistration.k8s.io/v1"
    new = clean(make("MutatingWebhookConfiguration", "m", api=api, webhooks=[{"name": "w", "sideEffects": given}]))
    assert new["webhooks"][0]["sideEffects"] == kept


def test_revisions_that_a_controller_keeps_are_left_to_it() -> None:
    revision = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": "db-1",
            "namespace": "shop",
            "uid": "r",
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s", "controller": True}
            ],
        },
        "data": {},
        "revision": 1,
    }
    assert skip_reason(revision) == "its controller makes it anew"
    revision["metadata"].pop("ownerReferences")  # type: ignore[attr-defined]
    assert skip_reason(revision) is None
