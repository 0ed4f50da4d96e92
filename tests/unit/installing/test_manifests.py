"""What an installation is made of: as the files say, with no more rights than the work needs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producers.installing import files, render, tree
from producers.installing.components import COMPONENTS, NODE
from producers.installing.differences import identity
from producers.installing.options import Options
from producers.installing.pods import GRACE, broker_secret
from producers.installing.workloads import CAPABILITIES
from schemas import topology
from schemas.errors import Invalid
from schemas.kubernetes import Object
from schemas.services import PRODUCERS, services
from schemas.settings import from_environment
from tests.repository.test_killed import MIB, MOST_MEMORY
from workers import app

DEPLOY = Path(__file__).parents[3] / "deploy"
CHOICES = [Options(), *(overlay.options for overlay in files.OVERLAYS)]
PLAIN = render.objects(Options())


def of(kind: str, objects: list[Object] = PLAIN) -> dict[str, Object]:
    """By name."""
    return {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == kind}


def pods(objects: list[Object] = PLAIN) -> dict[str, dict[str, Any]]:
    """The pods of all workloads, by the workload's name."""
    kinds = ("Deployment", "DaemonSet", "StatefulSet")
    return {obj["metadata"]["name"]: obj["spec"]["template"]["spec"] for obj in objects if obj["kind"] in kinds}


def test_the_files_are_those_that_would_be_written() -> None:
    assert tree.stale(DEPLOY) == [], "run `make schema` and commit what it writes"


def test_every_queue_has_a_deployment_every_node_a_worker_and_so_has_who_asks() -> None:
    assert {component.name for component in COMPONENTS} == {*topology.QUEUES, *PRODUCERS}
    assert {NODE.name, *(component.name for component in COMPONENTS)} == set(services(any_node=True))
    told = {name: pod["containers"][0]["args"] for name, pod in pods().items() if name != "rabbitmq"}
    assert told["license-gate"] == ["worker", "license.gate"]
    assert told["volumes"] == ["worker", "volumes.$(NODE_NAME)"]
    for queue in topology.QUEUES:
        assert told[queue.replace(".", "-")] == ["worker", queue]


def test_each_has_an_account_of_its_own_in_the_cluster_and_on_the_broker() -> None:
    for component in (*COMPONENTS, NODE):
        pod = pods()[component.name.replace(".", "-")]
        assert pod["serviceAccountName"] == component.name
        secrets = [each["secretRef"]["name"] for each in pod["containers"][0]["envFrom"] if "secretRef" in each]
        assert secrets == ["settings", broker_secret(component.name)]


@pytest.mark.parametrize("options", CHOICES, ids=lambda options: str(CHOICES.index(options)))
def test_no_pod_has_a_right_on_its_machine_but_for_the_files_of_volumes(options: Options) -> None:
    found = pods(render.objects(options))
    for name, pod in found.items():
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            rights = container["securityContext"]
            assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
            assert rights["capabilities"]["drop"] == ["ALL"]
            assert ("add" in rights["capabilities"]) == (name == "volumes")
            assert "privileged" not in rights
        paths = [volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume]
        assert paths == (["/var/lib/kubelet/pods"] if name == "volumes" else [])
        assert pod["securityContext"].get("runAsNonRoot", False) == (name != "volumes")


def test_the_worker_of_a_node_sees_what_is_mounted_later_and_says_why_it_needs_what_it_may() -> None:
    pod = pods()["volumes"]
    [mounted] = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "pods"]
    assert mounted["mountPropagation"] == "HostToContainer"
    assert "readOnly" not in mounted  # it restores
    assert pod["containers"][0]["securityContext"]["capabilities"]["add"] == list(CAPABILITIES)
    said = of("DaemonSet")["volumes"]["metadata"]["annotations"]["kubernetes.io/description"]
    assert all(f"{name} {reason}" in said for name, reason in CAPABILITIES.items())


def test_rabbitmq_writes_nothing_but_its_data_and_starts_again_on_them() -> None:
    pod = pods()["rabbitmq"]
    [server] = pod["containers"]
    told = {each["name"]: each["value"] for each in server["env"]}
    mounted = {each["name"]: each["mountPath"] for each in server["volumeMounts"] if not each.get("readOnly")}
    assert told["RABBITMQ_LOGS"] == "-"
    assert told["RABBITMQ_LOG_BASE"].startswith(f"{mounted['data']}/")
    # Erlang refuses a cookie that its group may read, which it may when the kubelet changes all files on every mount.
    assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_only_the_namespace_of_the_workers_of_nodes_lets_privileges_in() -> None:
    levels = {
        name: obj["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for name, obj in of("Namespace").items()
    }
    assert levels == {"snapline": "restricted", "snapline-nodes": "privileged", "snapline-console": None}
    inside = {obj["kind"] for obj in PLAIN if obj["metadata"].get("namespace") == "snapline-nodes"}
    assert not inside & {"Deployment", "StatefulSet", "Service"}


def test_every_setting_is_known_and_good_and_no_service_becomes_one() -> None:
    for config in (obj for obj in PLAIN if obj["metadata"]["name"] == "settings"):
        from_environment(config["data"])
    assert all(pod["enableServiceLinks"] is False for pod in pods().values())


def test_memory_is_limited_to_what_a_process_takes_that_copies_as_many_volumes_as_it_has_threads() -> None:
    def limit(name: str) -> int:
        return int(pods()[name]["containers"][0]["resources"]["limits"]["memory"].removesuffix("Mi")) * MIB

    assert limit("volumes") > topology.volumes("node-a").threads * MOST_MEMORY
    assert limit("repository-maintain") > topology.QUEUES["repository.maintain"].threads * MOST_MEMORY
    assert all(pod["containers"][0]["resources"]["requests"].keys() >= {"cpu", "memory"} for pod in pods().values())


def test_a_worker_gets_more_time_to_stop_than_it_takes() -> None:
    assert GRACE * 1000 > app.GRACE_MS
    assert {pod["terminationGracePeriodSeconds"] for name, pod in pods().items() if name != "rabbitmq"} == {GRACE}


def test_nobody_talks_to_anybody_unless_it_is_said() -> None:
    for place in ("snapline", "snapline-nodes"):
        mine = [p for p in of("NetworkPolicy").values() if p["metadata"]["namespace"] == place]
        [closed] = [p for p in mine if p["metadata"]["name"].startswith("deny")]
        assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    [rule] = of("NetworkPolicy")["rabbitmq"]["spec"]["ingress"]
    assert [each["namespaceSelector"]["matchLabels"] for each in rule["from"] if "namespaceSelector" in each] == [
        {"kubernetes.io/metadata.name": "snapline-nodes"}
    ]
    assert of("NetworkPolicy")["anywhere"]["spec"]["podSelector"]["matchExpressions"][0]["values"] == [
        "notify",
        "console",
    ]


def test_what_a_selector_asks_for_its_pods_have_and_no_others() -> None:
    workloads = [obj for obj in PLAIN if obj["kind"] in ("Deployment", "DaemonSet", "StatefulSet")]
    chosen = [tuple(sorted(obj["spec"]["selector"]["matchLabels"].items())) for obj in workloads]
    assert len(set(chosen)) == len(chosen)
    for obj in workloads:
        labels = obj["spec"]["template"]["metadata"]["labels"]
        assert obj["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_without_rights_on_the_cluster_there_is_no_role_of_it() -> None:
    options = Options(namespaces=("shop", "orders"))
    objects = render.objects(options)
    assert not {"ClusterRole", "ClusterRoleBinding"} & {obj["kind"] for obj in objects}
    places = {obj["metadata"]["namespace"] for obj in objects if obj["kind"] == "Role"}
    assert places == {"snapline", "snapline-nodes", "snapline-console", "shop", "orders"}


@pytest.mark.parametrize("options", CHOICES, ids=lambda options: str(CHOICES.index(options)))
def test_other_namespaces_are_everywhere(options: Options) -> None:
    moved = replace(options, namespace="a", nodes_namespace="b", console_namespace="c")
    assert len(render.objects(moved)) == len(render.objects(options))
    assert not {identity(obj)[2] for obj in render.objects(moved)} & {"snapline", "snapline-nodes", "snapline-console"}
    text = render.text(render.objects(moved))
    assert "namespace: snapline" not in text
    assert "snapline-console" not in text.replace("snapline-console-tls", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace": "A"},
        {"ingress_host": "a b"},
        {"replicas": 0},
        {"most_replicas": 1, "replicas": 2},
        {"image": ""},
        {"kubelet_pods": "pods"},
        {"store_ports": (0,)},
        {"nodes_namespace": "snapline-console"},
        {"namespaces": ("shop", "")},
    ],
    ids=str,
)
def test_what_no_cluster_would_take_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Options(**wrong)
