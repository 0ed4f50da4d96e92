"""The one document that RabbitMQ imports: all that the line needs, and nothing that workers would declare otherwise."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from schemas import broker_accounts, broker_definitions, broker_queues, topology
from schemas.broker_definitions import definitions
from schemas.services import ANY_NODE, services
from schemas.topology import EVENTS, TOLD, WORK

NODES = ("node-a",)
PAGE = Path(__file__).parents[2] / "docs" / "broker.md"
STEPS = [*topology.QUEUES.values(), topology.volumes("node-a")]


def _by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in things}


def test_every_exchange_and_queue_of_the_line_is_in_it_with_its_arguments() -> None:
    made = definitions("v", NODES)
    assert {name: each["type"] for name, each in _by_name(made["exchanges"]).items()} == broker_queues.EXCHANGES
    wanted = [*(each for queue in STEPS for each in broker_queues.declared(queue)), broker_queues.event_log()]
    assert {name: each["arguments"] for name, each in _by_name(made["queues"]).items()} == {
        each.name: each.arguments for each in wanted
    }
    assert len(wanted) == len(STEPS) * (2 + len(topology.DELAYS)) + 1
    assert all(each["durable"] and not each["auto_delete"] for each in made["queues"])
    assert {each["vhost"] for name, part in made.items() if name != "vhosts" for each in part} == {"v"}
    assert made["vhosts"] == [{"name": "v"}]


def test_each_queue_hears_its_events_and_gets_its_own_back() -> None:
    bound = {(each["source"], each["destination"], each["routing_key"]) for each in definitions("/", NODES)["bindings"]}
    assert (TOLD, EVENTS, "#") in bound
    for queue in STEPS:
        assert {(WORK, queue.name, queue.name)} | {(EVENTS, queue.name, key) for key in queue.binding_keys} <= bound
        assert (WORK, queue.dead_letters, queue.dead_letters) in bound
    assert {key for source, _, key in bound if source == EVENTS} == {key for q in STEPS for key in q.binding_keys}
    assert {to for source, to, _ in bound if source == TOLD} == {EVENTS, topology.EVENT_LOG}


def test_users_are_in_it_only_with_passwords_and_then_as_salted_hashes() -> None:
    assert "users" not in definitions("/")
    [made] = definitions("/", passwords={"notify": "hush"}, salt=lambda: b"salt")["users"]
    raw = base64.b64decode(made["password_hash"])
    assert raw == b"salt" + hashlib.sha256(b"salthush").digest()
    assert (made["name"], made["tags"]) == ("notify", [])
    first, second = (definitions("/", passwords={"notify": "hush"})["users"] for _ in range(2))
    assert first != second


def test_all_nodes_can_share_an_account_and_a_cluster_keeps_more_copies() -> None:
    made = definitions("/", any_node=True, members=3)
    assert [each["user"] for each in made["permissions"]] == [*services(), ANY_NODE]
    assert {each["arguments"].get("x-quorum-initial-group-size") for each in made["queues"]} == {3, None}
    assert _by_name(made["queues"])[topology.EVENT_LOG]["arguments"]["x-initial-cluster-size"] == 3


def test_as_text_it_is_the_same_document() -> None:
    made = definitions("/", NODES, passwords={"notify": "hush"})
    assert json.loads(broker_definitions.text(made)) == made


def test_the_page_on_the_broker_has_the_rights_of_every_account() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| (.*) \| (.*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    made = [(name, broker_accounts.permission(name)) for name in services(("NODE",), any_node=True)]
    assert rows == [
        (f"`{name}`".replace("NODE", "<node>"), *(_readable(right[what]) for what in ("configure", "write", "read")))
        for name, right in made
    ]


def _readable(expression: str) -> str:
    if expression == broker_accounts.NOTHING:
        return "nothing"
    globbed = expression.removeprefix("^(").removesuffix(")$").replace("[0-9]+", "*").replace("gen.*", "gen*")
    plain = globbed.replace(".+", "*").replace("NODE", "<node>").replace("\\", "")
    return ", ".join(f"`{name}`" for name in plain.split("|"))
