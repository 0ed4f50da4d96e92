"""All that is on the broker, as one document that RabbitMQ imports: the virtual host, exchanges, queues, bindings,
policies, the services' users and their rights. Importing it again changes nothing, and brings back what is missing.

RabbitMQ refuses nothing in it that is there with other arguments, and leaves it as it is.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from schemas import broker_accounts, broker_queues, topology
from schemas.broker_queues import Declared
from schemas.topology import EVENTS, TOLD

Salt = Callable[[], bytes]
"""Four bytes, others each time."""


def fresh_salt() -> bytes:
    """The usual one."""
    return secrets.token_bytes(4)


def definitions(
    vhost: str,
    nodes: tuple[str, ...] = (),
    *,
    accounts: bool = True,
    any_node: bool = False,
    passwords: Mapping[str, str] | None = None,
    members: int = 0,
    salt: Salt = fresh_salt,
) -> dict[str, Any]:
    """The document, for the line and the volume workers of `nodes`; with `accounts`, the rights of each service's; with
    `any_node`, also of the one that the workers of all nodes can share, which declare their queues themselves.

    `passwords` (user to password) makes these users; those who are no service get no rights by it. RabbitMQ refuses
    rights of users that are neither there nor made. `members` is how many nodes of a RabbitMQ cluster keep a queue; 0
    leaves that to the broker.
    """
    queues = [*_queues(nodes), broker_queues.event_log()]
    users = {"users": [user(name, password, salt()) for name, password in passwords.items()]} if passwords else {}
    return {
        **users,
        "vhosts": [{"name": vhost}],
        **(broker_accounts.rights(vhost, nodes, any_node=any_node) if accounts else {}),
        "policies": policies(vhost),
        "exchanges": [
            {**_durable(vhost, name), "type": kind, "internal": False, "arguments": {}}
            for name, kind in broker_queues.EXCHANGES.items()
        ],
        "queues": [{**_durable(vhost, each.name), "arguments": _sized(each, members)} for each in queues],
        "bindings": [
            _bound(vhost, TOLD, EVENTS, "exchange", "#"),
            *(_bound(vhost, source, each.name, "queue", key) for each in queues for source, key in each.bindings),
        ],
    }


def text(document: Mapping[str, list[Any]]) -> str:
    """As JSON, one thing a line."""
    parts = [f'"{name}": [\n' + ",\n".join(map(json.dumps, things)) + "\n]" for name, things in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def policies(vhost: str) -> list[dict[str, Any]]:
    """The limits of the queues that may change."""
    return [
        {
            "vhost": vhost,
            "name": policy.name,
            "pattern": policy.pattern,
            "apply-to": "queues",
            "definition": policy.limits,
            "priority": policy.priority,
        }
        for policy in topology.policies()
    ]


def user(name: str, password: str, salt: bytes, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    """A user as RabbitMQ keeps it, with a salted SHA-256 of the password:
    https://www.rabbitmq.com/docs/passwords#computing-password-hash"""
    digest = salt + hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": list(tags),
    }


def _queues(nodes: tuple[str, ...]) -> list[Declared]:
    steps = [*topology.QUEUES.values(), *map(topology.volumes, nodes)]
    return [each for queue in steps for each in broker_queues.declared(queue)]


def _sized(queue: Declared, members: int) -> broker_queues.Arguments:
    """A stream counts its copies by another name."""
    name = "x-initial-cluster-size" if queue.name == topology.EVENT_LOG else "x-quorum-initial-group-size"
    return {**queue.arguments, **({name: members} if members else {})}


def _durable(vhost: str, name: str) -> dict[str, Any]:
    return {"name": name, "vhost": vhost, "durable": True, "auto_delete": False}


def _bound(vhost: str, source: str, destination: str, kind: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "vhost": vhost,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "arguments": {},
    }
