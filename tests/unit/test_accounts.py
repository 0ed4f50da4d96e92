"""An account for each service: passwords that stay, the least rights on the broker and in the cluster."""

import json
import re
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy import accounts, kubeconfigs
from schemas import broker_accounts, broker_definitions, topology
from schemas import events as e
from schemas.broker_accounts import Right
from schemas.kubernetes import NAMESPACES, SECRETS, Object
from schemas.services import ANY_NODE, CONSOLE, PRODUCERS, services, tells
from schemas.settings import from_environment
from schemas.topology import CONTROL, EVENTS, TOLD, WORK
from workers.adapters.twins.cluster import MemoryCluster

NODES = ("node-a", "node-b")
EXCHANGES = {EVENTS, TOLD, WORK, CONTROL}
MANIFEST: list[dict[str, Any]] = list(yaml.safe_load_all(kubeconfigs.MANIFEST.read_text()))


def _of(kind: str) -> Iterator[dict[str, Any]]:
    return (obj for obj in MANIFEST if obj["kind"] == kind)


def test_each_service_gets_an_address_that_holds_its_password_and_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "accounts"
    accounts.write(folder, NODES[:1])
    before = {name: accounts.read(folder / f"{name}.env") for name in services(NODES[:1])}
    rights = json.loads(accounts.write(folder, NODES).read_text())
    after = {name: accounts.read(folder / f"{name}.env") for name in services(NODES)}
    assert before.items() <= after.items()
    addresses = {from_environment(settings).broker_url for settings in after.values()}
    assert len(addresses) == len(after)
    assert {user["name"] for user in rights["users"]} == set(services(NODES))
    assert not [address for address in addresses if address.split(":")[2].split("@")[0] in json.dumps(rights)]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / f"{name}.env").stat().st_mode) for name in after} == {0o600}


def _matching(expression: str, names: set[str]) -> set[str]:
    return {name for name in names if re.search(expression, name)}


def _rights(*, any_node: bool = False) -> tuple[dict[str, Right], dict[tuple[str, str], Right]]:
    """By user, and by user and exchange."""
    rights = broker_accounts.rights("/", NODES, any_node=any_node)
    said = {(right["user"], right["exchange"]): right for right in rights["topic_permissions"]}
    return {right["user"]: right for right in rights["permissions"]}, said


def test_a_worker_reads_its_own_queues_and_publishes_what_it_tells() -> None:
    own, said = _rights()
    every = {*topology.QUEUES, *(topology.volumes(node).name for node in NODES)}
    assert set(own) == set(services(NODES))
    for name in own:
        node = name.removeprefix("volumes.") if name.startswith("volumes.") else "node-a"
        kinds = {f"{kind.type}.{node}" if "node" in kind.model_fields else kind.type: kind for kind in e.KINDS.values()}
        mine = {name} - PRODUCERS
        assert _matching(own[name]["read"], every) == mine
        reads = name == CONSOLE
        assert _matching(own[name]["read"], {topology.EVENT_LOG}) == ({topology.EVENT_LOG} if reads else set())
        written = {exchange: _matching(said[name, exchange]["write"], set(kinds)) for exchange in (EVENTS, TOLD)}
        assert {kinds[key] for keys in written.values() for key in keys} == set(tells(name))
        assert {kinds[key].type for key in written[EVENTS]} == {kind.type for kind in tells(name)} & e.REQUESTS
        if mine:
            assert _matching(said[name, WORK]["write"], every) == mine


def test_nobody_declares_binds_or_deletes_anything_but_nodes_their_own_queues() -> None:
    own, said = _rights(any_node=True)
    queues = {each["name"] for each in broker_definitions.definitions("/", NODES)["queues"]}
    bound = {key: node for node in NODES for key in topology.volumes(node).binding_keys}
    for name in own:
        declares = _matching(own[name]["configure"], EXCHANGES | queues | {"other", "amq.gen-x"})
        read = [said[name, exchange]["read"] for exchange in (EVENTS, TOLD)]
        binds = set().union(*(_matching(expression, {*bound, "#", "*.*.*"}) for expression in read))
        if not name.startswith(ANY_NODE):
            assert declares == binds == _matching(own[name]["write"], queues) == set()
            continue
        prefix = "volumes." if name == ANY_NODE else name
        assert declares == {each for each in queues if each.startswith(prefix)} | {"amq.gen-x"}
        assert binds == {key for key, node in bound.items() if name in (ANY_NODE, topology.volumes(node).name)}


def test_the_console_gives_dead_letters_back_and_declares_nothing() -> None:
    rights = broker_accounts.rights("/", NODES)
    [own] = [right for right in rights["permissions"] if right["user"] == CONSOLE]
    steps = {*topology.QUEUES, *(topology.volumes(node).name for node in NODES)}
    letters = {name + topology.DEAD_LETTERS for name in steps}
    assert _matching(own["read"], letters | steps) == letters
    assert _matching(own["write"], EXCHANGES | letters | steps) == EXCHANGES
    assert not _matching(own["configure"], EXCHANGES | letters | steps)
    [back] = [each for each in rights["topic_permissions"] if (each["user"], each["exchange"]) == (CONSOLE, WORK)]
    assert _matching(back["write"], steps | {topology.EVENT_LOG}) == steps


def test_each_service_has_an_account_in_the_cluster_a_token_and_a_role() -> None:
    wanted = {kubeconfigs.account(name) for name in services(NODES)}
    assert sorted(obj["metadata"]["name"] for obj in _of("ServiceAccount")) == sorted(wanted)
    assert {obj["metadata"]["name"] for obj in _of("Secret")} == {f"{name}.token" for name in wanted}
    roles = {(obj["kind"], obj["metadata"]["name"]) for kind in ("Role", "ClusterRole") for obj in _of(kind)}
    bindings = [*_of("RoleBinding"), *_of("ClusterRoleBinding")]
    assert {(each["roleRef"]["kind"], each["roleRef"]["name"]) for each in bindings} == roles
    bound = {subject["name"] for each in bindings for subject in each["subjects"]}
    assert bound == wanted


def test_only_who_backs_up_or_restores_objects_has_rights_on_all_of_them() -> None:
    roles = {obj["metadata"]["name"]: obj["rules"] for obj in _of("ClusterRole")}
    wide = {name for name, rules in roles.items() if any("*" in rule["resources"] for rule in rules)}
    held = {
        subject["name"]
        for each in _of("ClusterRoleBinding")
        if each["roleRef"]["name"] in wide
        for subject in each["subjects"]
    }
    assert held == {"manifest.capture", "restore.prepare", "restore.apply", "restore.finalize", "console"}
    looks = {verb for rule in roles["snapline.looking"] for verb in rule["verbs"]}
    assert looks == {"get", "list"}


def test_a_kubeconfig_leads_to_the_same_server_with_the_services_own_token(tmp_path: Path) -> None:
    cluster = MemoryCluster()
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": kubeconfigs.NAMESPACE}})
    for name in {kubeconfigs.account(each) for each in services(NODES)}:
        cluster.create(SECRETS, _token(name))
    (tmp_path / "ca.crt").write_text("authority")
    admin = tmp_path / "admin.kubeconfig"
    server = {"server": "https://here:6443", "certificate-authority": "ca.crt"}
    admin.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "other", "cluster": {}}, {"name": "this", "cluster": server}],
                "contexts": [{"name": "mine", "context": {"cluster": "this", "user": "admin"}}],
                "current-context": "mine",
            }
        )
    )
    made = kubeconfigs.write(tmp_path / "own", admin, cluster, NODES)
    assert set(made) == set(services(NODES))
    read = {name: yaml.safe_load(file.read_text()) for name, file in made.items()}
    assert {name: config["users"][0]["user"]["token"] for name, config in read.items()} == {
        name: f"token of {kubeconfigs.account(name)}" for name in made
    }
    [reached] = {json.dumps(config["clusters"][0]["cluster"]) for config in read.values()}
    assert json.loads(reached) == {"server": "https://here:6443", "certificate-authority-data": "YXV0aG9yaXR5"}


def _token(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}.token", "namespace": kubeconfigs.NAMESPACE},
        "data": {"token": b64encode(f"token of {name}".encode()).decode()},
    }
