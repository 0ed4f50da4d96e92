"""What each service's account may do on RabbitMQ: the least that its work needs, as RabbitMQ's definitions have it.

A worker declares its own queues, hears its own events, gives messages back to its own queue, and tells what is its to
tell. Exchanges and the event log are an administrator's to declare, so they are in the definitions as well.
"""

import re
from collections.abc import Iterable
from typing import Any

from schemas import events as e
from schemas import topology
from schemas.services import SCHEDULER, services, tells
from schemas.topology import CONTROL, EVENT_LOG, EVENTS, WORK

TEMPORARY = r"amq\.gen.*"
"""Names that RabbitMQ gives to the queues of one connection."""


def definitions(vhost: str, nodes: tuple[str, ...]) -> dict[str, Any]:
    """The rights of all services' accounts, each called like its service, with a worker for each of `nodes`; and what
    none of them may declare. Users and their passwords are not in it."""
    accounts = services(nodes)
    return {
        "permissions": [{"user": name, "vhost": vhost, **_permissions(name)} for name in accounts],
        "topic_permissions": [
            {"user": name, "vhost": vhost, **right} for name in accounts for right in _topic_permissions(name)
        ],
        "exchanges": [
            {**_durable(vhost, name), "type": kind, "internal": False}
            for name, kind in ((EVENTS, "topic"), (WORK, "topic"), (CONTROL, "fanout"))
        ],
        "queues": [{**_durable(vhost, EVENT_LOG), "arguments": topology.EVENT_LOG_ARGUMENTS}],
        "bindings": [
            {
                "source": EVENTS,
                "vhost": vhost,
                "destination": EVENT_LOG,
                "destination_type": "queue",
                "routing_key": "#",
                "arguments": {},
            }
        ],
    }


def _permissions(service: str) -> dict[str, str]:
    if service == SCHEDULER:
        return {"configure": _any(()), "write": _any([re.escape(EVENTS)]), "read": _any(())}
    queue = topology.queue(service)
    own, listens = _own(queue), [re.escape(CONTROL)] if queue.node else []
    temporary = [TEMPORARY] if queue.node else []  # to hear of cancellations
    exchanges = [re.escape(EVENTS), re.escape(WORK)]
    return {
        "configure": _any([*own, *temporary]),
        "write": _any([*own, *temporary, *exchanges]),
        "read": _any([*own, *temporary, *exchanges, *listens]),
    }


def _topic_permissions(service: str) -> list[dict[str, str]]:
    said = _any(_keys(kind) for kind in tells(service))
    if service == SCHEDULER:
        return [{"exchange": EVENTS, "write": said, "read": _any(())}]
    queue = topology.queue(service)
    own = _any(_own(queue))
    heard = _any(re.escape(key) for key in queue.binding_keys)
    return [{"exchange": EVENTS, "write": said, "read": heard}, {"exchange": WORK, "write": own, "read": own}]


def _own(queue: topology.Queue) -> list[str]:
    name = re.escape(queue.name)
    return [name, name + re.escape(topology.DEAD_LETTERS), name + r"\.delay\.[0-9]+"]


def _keys(kind: type[e.Event]) -> str:
    return re.escape(kind.type) + (r"\..+" if "node" in kind.model_fields else "")


def _any(patterns: Iterable[str]) -> str:
    """A regular expression for what one of `patterns` matches as a whole; nothing, if there are none."""
    return f"^({'|'.join(sorted(set(patterns)))})$"


def _durable(vhost: str, name: str) -> dict[str, Any]:
    return {"name": name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {}}
