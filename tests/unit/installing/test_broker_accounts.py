"""The accounts on the broker are made in the cluster, once."""

import base64
import json
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.actions.installing.broker_accounts import make
from producers.cli.main import cli
from producers.installing import given, render
from producers.installing.accounts import BROKER
from producers.installing.options import Options
from schemas.destination import S3Destination, from_secret
from schemas.errors import Invalid
from schemas.kubernetes import NAMESPACES, SECRETS, Object
from schemas.rights import rights
from schemas.services import services, trusted_users
from schemas.settings import from_environment
from tests.support.front import Front
from workers.adapters.twins.cluster import MemoryCluster

OPTIONS = Options()


def _cluster() -> MemoryCluster:
    made = MemoryCluster()
    for name in (OPTIONS.namespace, OPTIONS.nodes_namespace):
        made.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return made


def _secrets(cluster: MemoryCluster) -> dict[str, Object]:
    return {obj["metadata"]["name"]: obj for obj in cluster.list(SECRETS)}


def test_every_service_gets_a_secret_with_its_own_address_and_keeps_it() -> None:
    cluster, numbers = _cluster(), count()
    first = make(cluster, OPTIONS, "rabbitmq:5672", lambda: f"p{next(numbers)}")
    assert set(first) == set(services(any_node=True))
    assert len(set(first.values())) == len(first)
    cluster.delete(SECRETS, OPTIONS.namespace, "broker-alarms")
    second = make(cluster, OPTIONS, "rabbitmq:5672", lambda: "new")
    assert second == first | {"alarms": "new"}
    places = {name: obj["metadata"]["namespace"] for name, obj in _secrets(cluster).items()}
    assert {name for name, place in places.items() if place == OPTIONS.nodes_namespace} == {"broker-volumes"}
    for name, obj in _secrets(cluster).items():
        settings = {key: base64.b64decode(value).decode() for key, value in obj["data"].items()}
        known = from_environment(settings | {"SNAPLINE_TRUSTED_USERS": trusted_users(any_node=True)})
        assert known.broker_url.endswith("@rabbitmq:5672/%2F")
        assert name.removeprefix("broker-").replace("-", ".") in rights(known).line


def test_who_has_made_one_meanwhile_is_believed() -> None:
    class Late(MemoryCluster):
        def create(self, type_: object, obj: Object) -> Object:
            other = obj | {"data": {given.ADDRESS: base64.b64encode(b"amqp://x:theirs@h/").decode()}}
            super().create(SECRETS, other)
            return super().create(SECRETS, obj)

    places = (OPTIONS.namespace, OPTIONS.nodes_namespace)
    cluster = Late([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in places])
    assert set(make(cluster, OPTIONS, "h", lambda: "ours").values()) == {"theirs"}


def test_a_secret_without_a_password_is_named_and_left() -> None:
    cluster = _cluster()
    metadata = {"name": "broker-alarms", "namespace": OPTIONS.namespace}
    cluster.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {}})
    with pytest.raises(Invalid, match="broker-alarms"):
        make(cluster, OPTIONS, "h", lambda: "p")


def test_who_makes_them_may_make_and_read_these_secrets_and_no_others() -> None:
    objects = render.objects(OPTIONS)
    named = {
        (obj["metadata"]["namespace"], name)
        for obj in objects
        if obj["kind"] == "Role" and "broker-accounts" in obj["metadata"]["name"]
        for rule in obj["rules"]
        for name in rule.get("resourceNames", [])
    }
    cluster = _cluster()
    make(cluster, OPTIONS, "h", lambda: "p")
    assert named == {(obj["metadata"]["namespace"], name) for name, obj in _secrets(cluster).items()}
    [pod] = [obj["spec"]["template"]["spec"] for obj in objects if obj["kind"] == "StatefulSet"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == (BROKER, False)
    assert [c["name"] for c in [*pod["initContainers"], *pod["containers"]] if "access" in str(c["volumeMounts"])] == [
        "accounts"
    ]


def test_the_command_writes_what_rabbitmq_loads(tmp_path: Path) -> None:
    front = Front(tmp_path)
    for name in (OPTIONS.namespace, OPTIONS.nodes_namespace):
        front.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    file = tmp_path / "definitions.json"
    done = CliRunner().invoke(cli, ["make-accounts", str(file)], obj=front.session)
    assert done.exit_code == 0, done.exception
    written = json.loads(file.read_text())
    assert {user["name"] for user in written["users"]} == set(services(any_node=True))
    assert {right["user"] for right in written["permissions"]} == set(services(any_node=True))
    assert written["policies"]


def test_a_destination_is_what_the_workers_read() -> None:
    chosen = S3Destination.model_validate({"bucket": "b", "passphrase": "p", "secret_access_key": "s"})
    secret, default = given.destination(chosen, OPTIONS)
    assert from_secret(secret) == chosen
    assert default["data"]["default"] == chosen.name
    assert {obj["metadata"]["namespace"] for obj in (secret, default)} == {OPTIONS.console_namespace}


def test_no_service_is_left_without_an_account() -> None:
    with pytest.raises(Invalid, match="alarms"):
        given.broker_accounts({name: "amqp://x" for name in services(any_node=True) if name != "alarms"}, OPTIONS)
    found = given.broker_accounts(dict.fromkeys(services(any_node=True), "amqp://x"), OPTIONS)
    assert {obj["metadata"]["namespace"] for obj in found if obj["metadata"]["name"] == "broker-volumes"} == {
        "snapline-nodes"
    }
