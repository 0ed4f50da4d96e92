"""What a cluster lacks is said, with what to do; what nobody can know is called unknown."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner

from producers.cli import shapes
from producers.cli.commands.install import TO_DO
from producers.cli.main import cli
from producers.installing.options import Options
from producers.views.installing.lacking import REVIEWS, Finding, Lack, look
from schemas.errors import Denied
from schemas.kubernetes import NODES, STORAGE_CLASSES, Discovery, Object, ResourceType
from tests.support.front import Front
from workers.adapters.twins.cluster import MemoryCluster

REVIEWED = replace(REVIEWS, verbs=frozenset({"create"}))


class Answering(MemoryCluster):
    """Whoever asks may do everything but what is `refused` (verb and resource)."""

    refused: frozenset[tuple[str, str]] = frozenset()
    hidden: frozenset[str] = frozenset()

    def create(self, type_: ResourceType, obj: Object) -> Object:
        if type_ != REVIEWS:
            return super().create(type_, obj)
        asked = obj["spec"]["resourceAttributes"]
        return obj | {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.refused}}

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        if type_.kind in self.hidden:
            raise Denied(f"you may not list {type_.plural}")
        return super().list(type_, namespace, selector)


def _node(version: str = "v1.31.4", **labels: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{version}", "labels": labels},
        "status": {"nodeInfo": {"kubeletVersion": version}},
    }


def _class(name: str, default: bool = True) -> Object:
    noted = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": noted},
        "provisioner": "x",
    }


def _found(cluster: Answering, options: Options | None = None) -> dict[str, Finding]:
    return {each.what: each for each in look(cluster, options or Options())}


def _lacks(cluster: Answering, options: Options | None = None) -> dict[str, Lack | None]:
    return {what: each.lack for what, each in _found(cluster, options).items() if each.state == "lacking"}


def _good() -> Answering:
    return Answering([_node(), _class("fast")])


def test_a_good_cluster_lacks_nothing_and_what_nobody_knows_is_unknown() -> None:
    found = _found(_good())
    assert {each.state for each in found.values()} == {"ok", "unknown"}
    assert {what for what, each in found.items() if each.state == "unknown"} == {
        "NetworkPolicies",
        "kubelet's pods in /var/lib/kubelet/pods",
    }


def test_old_nodes_are_named_and_a_cluster_needs_one() -> None:
    old = Answering([_node("v1.19.16"), _node("v1.20.2"), _class("fast")])
    assert _found(old)["Kubernetes 1.20 or later"].said == "node-v1.19.16 has v1.19.16"
    assert _lacks(Answering([_class("fast")])) == {"Kubernetes 1.20 or later": "node"}


def test_kinds_of_others_are_lacking_until_they_are_installed() -> None:
    options = Options(broker="operator", most_replicas=3, pod_monitors=True)
    assert _lacks(_good(), options) == {
        "keda.sh/v1alpha1 ScaledObject": "keda",
        "keda.sh/v1alpha1 TriggerAuthentication": "keda",
        "monitoring.coreos.com/v1 PodMonitor": "monitoring",
        "rabbitmq.com/v1beta1 RabbitmqCluster": "operator",
    }


def test_a_server_that_does_not_answer_for_a_group_lacks_nothing_of_it() -> None:
    class Silent(Answering):
        def discover(self) -> Discovery:
            known = super().discover()
            return Discovery(known.types, {"keda.sh": "503"}, known.others)

    found = _found(Silent([_node(), _class("fast")]), Options(most_replicas=3))
    assert found["keda.sh/v1alpha1 ScaledObject"] == Finding("keda.sh/v1alpha1 ScaledObject", "unknown", "503")


def test_who_may_not_create_or_not_give_rights_is_told_so() -> None:
    cluster = _good()
    cluster.refused = frozenset(
        {("create", "secrets"), ("create", "daemonsets"), ("*", "*"), ("escalate", "clusterroles")}
    )
    assert _lacks(cluster) == {"rights to create it": "rights", "rights to give these rights": "rights"}
    assert _found(cluster)["rights to create it"].said == "not allowed: daemonsets.apps in snapline-nodes"


def test_storage_and_ingress_classes_are_those_that_there_are() -> None:
    assert _lacks(Answering([_node(), _class("slow", default=False)])) == {"default StorageClass": "class"}
    assert _lacks(_good(), Options(storage_class="slow")) == {"StorageClass slow": "class"}
    assert _lacks(_good(), Options(storage_class="fast", broker="own")) == {}
    assert _lacks(Answering([_node()]), Options(broker="external")) == {}
    chosen = Options(ingress_host="a.example.com", ingress_class="nginx")
    assert _lacks(_good(), chosen) == {"IngressClass nginx": "ingress-class"}


def test_a_kubelet_that_keeps_its_pods_elsewhere_is_known_by_its_nodes() -> None:
    cluster = Answering([_node(**{"microk8s.io/cluster": "true"}), _class("fast")])
    [found] = [each for each in _found(cluster).values() if each.lack == "kubelet"]
    assert found.subject == "/var/snap/microk8s/common/var/lib/kubelet/pods"
    assert _lacks(cluster, Options(kubelet_pods=found.subject)) == {}


def test_applications_namespaces_must_be_there() -> None:
    assert _lacks(_good(), Options(namespaces=("shop",))) == {"namespace shop": "namespace"}


def test_what_may_not_be_looked_at_is_unknown() -> None:
    cluster = _good()
    cluster.hidden = frozenset({NODES.kind, STORAGE_CLASSES.kind})
    found = _found(cluster)
    assert _lacks(cluster) == {}
    assert found["default StorageClass"].state == found["Kubernetes 1.20 or later"].state == "unknown"


def test_there_is_something_to_do_about_everything_that_is_lacking() -> None:
    assert set(get_args(Lack)) == set(TO_DO)


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def test_what_is_printed_is_what_kubectl_takes(front: Front) -> None:
    from pydantic import TypeAdapter

    done = CliRunner().invoke(cli, ["install", "--print"], obj=front.session)
    kinds = [obj["kind"] for obj in yaml.safe_load_all(done.stdout)]
    assert (done.exit_code, kinds[:3]) == (0, ["Namespace"] * 3)
    done = CliRunner().invoke(cli, ["install", "--print", "-o", "json"], obj=front.session)
    TypeAdapter(shapes.COMMANDS["install"]).validate_json(done.stdout)
    assert len(json.loads(done.stdout)["items"]) == len(kinds)


def test_what_is_lacking_fails_the_command(front: Front) -> None:
    done = CliRunner().invoke(cli, ["install", "--check", "--storage-class", "none", "-o", "json"], obj=front.session)
    assert done.exit_code == 1
    assert "`--storage-class`" in done.stdout


@pytest.mark.parametrize(
    "wrong", ["", "--print --check", "--print --replicas 0", "--print --namespace A", "--print --accounts none"]
)
def test_what_makes_no_sense_is_refused(front: Front, wrong: str) -> None:
    assert CliRunner().invoke(cli, ["install", *wrong.split()], obj=front.session).exit_code != 0
