"""What every cluster does with objects. `conftest` says which clusters."""

import uuid
from dataclasses import astuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local import emulator
from schemas.errors import AlreadyExists, Denied, Invalid, NotFound, TransientError
from schemas.kubernetes import API_SERVICES, CONFIG_MAPS, DEFINITIONS, DEPLOYMENTS, NAMESPACES, Object, ResourceType
from tests.support.line import until
from tests.support.objects import away
from workers.adapters.cluster import connect, discovery
from workers.adapters.cluster.transport import Answer, Transport
from workers.ports import Cluster

SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def in_two_versions(group: str) -> Object:
    """A kind that is served, and preferred, as v1, and served as v1beta1."""
    return {
        "apiVersion": DEFINITIONS.api_version,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": SCHEMA},
                {"name": "v1beta1", "served": True, "storage": False, "schema": SCHEMA},
            ],
        },
    }


def config_map(namespace: str, name: str, labels: dict[str, str] | None = None, **data: str) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_discovery_has_one_entry_per_kind_with_its_verbs(cluster: Cluster) -> None:
    types = cluster.discover().types
    by_name = {type_.group_resource: type_ for type_ in types}
    assert len(by_name) == len(types)
    assert by_name["configmaps"] == CONFIG_MAPS
    assert by_name["deployments.apps"] == DEPLOYMENTS
    assert not by_name["namespaces"].namespaced
    assert {"list", "get", "create", "delete"} <= by_name["secrets"].verbs
    assert not any("/" in type_.plural for type_ in types)


def test_discovery_has_singular_and_short_names(cluster: Cluster) -> None:
    by_name = {type_.group_resource: type_ for type_ in cluster.discover().types}
    assert by_name["deployments.apps"].singular in ("", "deployment")  # older servers do not say it
    assert by_name["deployments.apps"].short_names == {"deploy"}
    assert by_name["persistentvolumeclaims"].short_names == {"pvc"}
    assert by_name["secrets"].short_names == set()


def test_a_group_whose_server_is_away_is_unreadable_and_not_unknown(cluster: Cluster) -> None:
    group = f"{uuid.uuid4().hex[:8]}.example.com"
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "service": {"namespace": "default", "name": "nobody"},
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    cluster.create(API_SERVICES, service)
    things = ResourceType(group, "v1", "Thing", "things", namespaced=True)
    try:
        until(lambda: group in cluster.discover().unreadable, "it is known that the group does not answer")
        found = cluster.discover()
        assert "503" in found.unreadable[group]
        assert DEPLOYMENTS in found.types
        with pytest.raises(TransientError):
            list(cluster.list(things, "default"))
        with pytest.raises(TransientError):
            cluster.get(things, "default", "x")
        with pytest.raises(TransientError, match=group):
            found.require(["apps", group])
        found.require(["apps", "batch"])
    finally:
        cluster.delete(API_SERVICES, None, f"v1.{group}")
    until(lambda: group not in cluster.discover().unreadable, "it is forgotten")


def test_what_is_created_is_got_and_has_an_identity(cluster: Cluster, namespace: str) -> None:
    created = cluster.create(CONFIG_MAPS, config_map(namespace, "a", key="value"))
    got = cluster.get(CONFIG_MAPS, namespace, "a")
    assert got["data"] == {"key": "value"}
    assert got["metadata"]["uid"] == created["metadata"]["uid"]
    assert (got["apiVersion"], got["kind"]) == ("v1", "ConfigMap")
    with pytest.raises(AlreadyExists):
        cluster.create(CONFIG_MAPS, config_map(namespace, "a"))


def test_what_is_not_there_is_not_found(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(NotFound):
        cluster.get(CONFIG_MAPS, namespace, "nope")
    with pytest.raises(NotFound):
        cluster.create(CONFIG_MAPS, config_map("no-such-namespace", "a"))
    with pytest.raises(NotFound):
        cluster.patch(CONFIG_MAPS, namespace, "nope", {"data": {}})
    unknown = ResourceType("example.com", "v1", "Unicorn", "unicorns", namespaced=True)
    assert list(cluster.list(unknown)) == []
    cluster.delete(CONFIG_MAPS, namespace, "nope")


def test_the_server_refuses_what_is_no_object(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(Invalid):
        cluster.create(CONFIG_MAPS, config_map(namespace, "Not A Name"))


def test_list_is_whole_beyond_a_page_and_knows_selectors(cluster: Cluster, namespace: str) -> None:
    for number in range(520):
        cluster.create(CONFIG_MAPS, config_map(namespace, f"c{number:04d}", {"app": "x", "parity": str(number % 2)}))
    found = list(cluster.list(CONFIG_MAPS, namespace, "app=x"))
    assert len({obj["metadata"]["name"] for obj in found}) == 520
    assert all((obj["apiVersion"], obj["kind"]) == ("v1", "ConfigMap") for obj in found)

    def count(selector: str) -> int:
        return len(list(cluster.list(CONFIG_MAPS, namespace, selector)))

    assert count("parity=1") == 260
    assert count("app=x,parity!=1") == 260
    assert count("parity in (0,1),app") == 520
    assert count("!app,parity") == 0
    everywhere = [o for o in cluster.list(CONFIG_MAPS, selector="parity=0") if o["metadata"]["namespace"] == namespace]
    assert len(everywhere) == 260


def test_a_patch_merges_and_null_removes(cluster: Cluster, namespace: str) -> None:
    cluster.create(CONFIG_MAPS, config_map(namespace, "a", {"x": "1"}, keep="1", change="1", go="1"))
    cluster.patch(CONFIG_MAPS, namespace, "a", {"data": {"change": "2", "go": None, "new": "3"}})
    got = cluster.get(CONFIG_MAPS, namespace, "a")
    assert got["data"] == {"keep": "1", "change": "2", "new": "3"}
    assert got["metadata"]["labels"] == {"x": "1"}


def test_delete_with_a_uid_spares_the_successor(cluster: Cluster, namespace: str) -> None:
    first = cluster.create(CONFIG_MAPS, config_map(namespace, "a"))
    cluster.delete(CONFIG_MAPS, namespace, "a", uid=first["metadata"]["uid"])
    until(lambda: not list(cluster.list(CONFIG_MAPS, namespace, "!none")) or _gone(cluster, namespace), "it is gone")
    second = cluster.create(CONFIG_MAPS, config_map(namespace, "a"))
    cluster.delete(CONFIG_MAPS, namespace, "a", uid=first["metadata"]["uid"])
    assert cluster.get(CONFIG_MAPS, namespace, "a")["metadata"]["uid"] == second["metadata"]["uid"]
    cluster.delete(CONFIG_MAPS, namespace, "a")
    until(lambda: _gone(cluster, namespace), "it is gone")


def _gone(cluster: Cluster, namespace: str) -> bool:
    try:
        cluster.get(CONFIG_MAPS, namespace, "a")
    except NotFound:
        return True
    return False


def test_finalizers_keep_an_object_until_they_are_gone(cluster: Cluster, namespace: str) -> None:
    held = config_map(namespace, "a")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.create(CONFIG_MAPS, held)
    cluster.delete(CONFIG_MAPS, namespace, "a")
    assert "deletionTimestamp" in cluster.get(CONFIG_MAPS, namespace, "a")["metadata"]
    with pytest.raises(TransientError):
        cluster.create(CONFIG_MAPS, config_map(namespace, "a"))
    cluster.patch(CONFIG_MAPS, namespace, "a", {"metadata": {"finalizers": None}})
    until(lambda: _gone(cluster, namespace), "it is gone")


def test_a_namespace_that_is_going_takes_nothing_new(cluster: Cluster, namespace: str) -> None:
    held = config_map(namespace, "a")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.create(CONFIG_MAPS, held)
    cluster.delete(NAMESPACES, None, namespace)

    def refuses() -> bool:
        try:
            cluster.create(CONFIG_MAPS, config_map(namespace, uuid.uuid4().hex))
        except TransientError:
            return True
        return False

    until(refuses, "the namespace takes nothing new")
    cluster.patch(CONFIG_MAPS, namespace, "a", {"metadata": {"finalizers": None}})


def test_custom_resources_come_with_their_definition(cluster: Cluster, namespace: str) -> None:
    group = f"{namespace}.example.com"
    definitions = next(t for t in cluster.discover().types if t.plural == "customresourcedefinitions")
    cluster.create(
        definitions,
        {
            "apiVersion": definitions.api_version,
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                ],
            },
        },
    )
    try:
        widgets = ResourceType(group, "v1", "Widget", "widgets", namespaced=True)
        until(lambda: widgets in cluster.discover().types, "it is discovered")
        widget = {
            "apiVersion": f"{group}/v1",
            "kind": "Widget",
            "metadata": {"name": "w", "namespace": namespace},
            "x": 1,
        }
        cluster.create(widgets, widget)
        assert cluster.get(widgets, namespace, "w")["x"] == 1
    finally:
        cluster.delete(definitions, None, f"widgets.{group}")
    until(lambda: widgets not in cluster.discover().types, "it is forgotten")


def test_a_kind_in_two_versions_is_told_in_both_and_takes_objects_of_each_at_its_own_place(
    cluster: Cluster, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    new, old = (ResourceType(group, version, "Widget", "widgets", namespaced=True) for version in ("v1", "v1beta1"))
    metadata = {"name": "w", "namespace": namespace}
    widget: Object = {"apiVersion": f"{group}/v1beta1", "kind": "Widget", "metadata": metadata}
    cluster.create(DEFINITIONS, in_two_versions(group))
    try:
        until(lambda: old in cluster.discover().others, "it is discovered")
        assert new in cluster.discover().types
        with pytest.raises(Invalid):
            cluster.create(new, widget)
        cluster.create(old, widget)
        assert cluster.get(new, namespace, "w")["apiVersion"] == f"{group}/v1"
        assert cluster.get(old, namespace, "w")["apiVersion"] == f"{group}/v1beta1"
    finally:
        cluster.delete(DEFINITIONS, None, f"widgets.{group}")


def test_refusals_fall_into_the_right_family(emulated: emulator.Emulator) -> None:
    cluster = connect(str(emulated.kubeconfig))
    families = {401: TransientError, 403: Denied, 429: TransientError, 503: TransientError, 500: TransientError}
    for status, family in families.items():
        emulated.api[f"get /api/v1/namespaces/default/configmaps/x{status}"] << status
        with pytest.raises(family):
            cluster.get(CONFIG_MAPS, "default", f"x{status}")


def test_a_server_that_tells_all_kinds_at_once_is_asked_twice_and_tells_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PAUSES", (0.0, 0.0))
    really, asked = Transport.send, list[str]()

    def send(self: Transport, method: str, path: str, *rest: Any, **more: Any) -> Answer:
        asked.append(path)
        return really(self, method, path, *rest, **more)

    with emulator.start(tmp_path) as server:
        server.cluster.create(DEFINITIONS, in_two_versions("example.com"))
        server.cluster.create(API_SERVICES, away("away.example.com"))
        cluster = connect(str(server.kubeconfig))
        monkeypatch.setattr(Transport, "send", send)
        at_once, paths = cluster.discover(), list(asked)
        server.api.tells_at_once = False
        one_by_one = cluster.discover()
    assert {astuple(type_) for type_ in at_once.types} == {astuple(type_) for type_ in one_by_one.types}
    assert at_once.unreadable == one_by_one.unreadable != {}
    assert list(at_once.others) == list(one_by_one.others) != []
    assert paths == ["/api", "/apis", *3 * ["/apis/away.example.com/v1"]]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_group_that_is_refused_is_unreadable_and_one_that_has_just_gone_is_not(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PAUSES", (0.0, 0.0))
    with emulator.start(tmp_path) as failing:
        failing.api.tells_at_once = False
        failing.api["get /apis/batch/v1"] << status
        failing.api["get /apis/policy/v1"] << 404
        found = connect(str(failing.kubeconfig)).discover()
    assert list(found.unreadable) == ["batch"]
    assert str(status) in found.unreadable["batch"]
    assert {"batch", "policy"}.isdisjoint(type_.group for type_ in found.types)


def test_a_group_that_stumbles_is_asked_again(emulated: emulator.Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulated.api, "tells_at_once", False)
    really, left = Transport.send, [503, 503]

    def send(self: Transport, method: str, path: str, **rest: Any) -> Answer:
        return Answer(left.pop(), b"") if left and path == "/apis/apps/v1" else really(self, method, path, **rest)

    monkeypatch.setattr(Transport, "send", send)
    monkeypatch.setattr(discovery, "PAUSES", (0.0, 0.0))
    found = connect(str(emulated.kubeconfig)).discover()
    assert (found.unreadable, DEPLOYMENTS in found.types, left) == ({}, True, [])


def test_an_unreachable_server_is_a_matter_of_time(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    with emulator.start(tmp_path / "gone", kubeconfig=kubeconfig):
        cluster = connect(str(kubeconfig))
    with pytest.raises(TransientError):
        cluster.get(CONFIG_MAPS, "default", "x")
    with pytest.raises(TransientError):
        cluster.exec("default", "p", "c", ["true"], deadline=timedelta(seconds=5), limit=10)
