"""What each service's account may do on RabbitMQ: the least that its work needs, as RabbitMQ's definitions have it.

A worker takes messages from its own queue, gives them back to it, and tells what is its to tell. The console reads the
event log and dead letters, gives these back to any queue, and says what is cancelled. Nobody declares anything, as who
may declare a queue may delete it, too, and may send what dies in it anywhere; only the workers of nodes declare their
own queues, since nodes come and go without an administrator.
"""

import re
from collections.abc import Iterable
from typing import Any

from schemas import events as e
from schemas import topology
from schemas.services import ANY_NODE, CONSOLE, PRODUCERS, services, tells
from schemas.topology import CONTROL, EVENT_LOG, EVENTS, TOLD, WORK

Right = dict[str, str]
_STEPS = [*map(re.escape, topology.QUEUES), re.escape(topology.NODE_QUEUE_PREFIX) + ".+"]
"""The queues of all steps, on any node."""
NOTHING = "(?!)"
"""Matches nothing, not even the empty routing key, as `^$` would."""
TEMPORARY = r"amq\.gen.*"
"""Names that RabbitMQ gives to the queues of one connection."""


def rights(vhost: str, nodes: tuple[str, ...], *, any_node: bool = False) -> dict[str, list[dict[str, Any]]]:
    """`permissions` and `topic_permissions` of all services' accounts, each called like its service, with a worker for
    each of `nodes`; with `any_node` also of the account that the workers of all nodes can share."""
    accounts = services(nodes, any_node=any_node)
    return {
        "permissions": [{"user": name, "vhost": vhost, **permission(name)} for name in accounts],
        "topic_permissions": [
            {"user": name, "vhost": vhost, **right} for name in accounts for right in topic_permissions(name)
        ],
    }


def permission(service: str) -> Right:
    """Regular expressions for what the service may configure, write to and read: queues and exchanges."""
    if service == CONSOLE:
        letters = [step + re.escape(topology.DEAD_LETTERS) for step in _STEPS]
        written = _any(map(re.escape, (EVENTS, TOLD, WORK, CONTROL)))
        return {"configure": _any(()), "write": written, "read": _any([re.escape(EVENT_LOG), *letters])}
    asks = [re.escape(EVENTS)] if any(kind.type in e.REQUESTS for kind in tells(service)) else []
    says = [re.escape(TOLD)] if any(kind.type not in e.REQUESTS for kind in tells(service)) else []
    if service in PRODUCERS:
        return {"configure": _any(()), "write": _any([*asks, *says]), "read": _any(())}
    told = [*asks, *says, re.escape(WORK)]
    if not _on_node(service):
        return {"configure": _any(()), "write": _any(told), "read": _any(_served(service))}
    own = [*_own(service), TEMPORARY]  # temporary ones to hear of cancellations
    heard = map(re.escape, (EVENTS, WORK, CONTROL))
    return {"configure": _any(own), "write": _any([*own, *told]), "read": _any([*own, *heard])}


def topic_permissions(service: str) -> list[Right]:
    """Which routing keys the service may publish with, and bind its queues with, for each topic exchange."""
    told, asked = _keys(service, requests=False), _keys(service, requests=True)
    if service in PRODUCERS:
        back = _any(_STEPS if service == CONSOLE else ())
        writes = ((EVENTS, asked), (TOLD, told), (WORK, back))
        return [{"exchange": name, "write": said, "read": _any(())} for name, said in writes]
    hears = topology.volumes("NODE") if service == ANY_NODE else topology.queue(service)
    logs = [re.escape(EVENT_LOG)] if any(kind.type in e.REQUESTS for kind in hears.hears) else []
    own = _own(service)
    return [
        {"exchange": EVENTS, "write": asked, "read": _any(_heard(service) if _on_node(service) else ())},
        {"exchange": TOLD, "write": told, "read": _any(())},
        {"exchange": WORK, "write": _any([*own, *logs]), "read": _any(own if _on_node(service) else ())},
    ]


def _on_node(service: str) -> bool:
    return service == ANY_NODE or topology.queue(service).node is not None


def _heard(service: str) -> list[str]:
    """The binding keys of a node's worker."""
    if service == ANY_NODE:
        sample = topology.volumes("NODE").binding_keys
        return [re.escape(key.removesuffix("NODE")) + ".+" for key in sample]
    return [re.escape(key) for key in topology.queue(service).binding_keys]


def _served(service: str) -> list[str]:
    name = re.escape(service)
    return [name, name + re.escape(topology.DEAD_LETTERS)]


def _own(service: str) -> list[str]:
    """All queues of the service; of a node's worker that shares its account, those of all nodes."""
    if service == ANY_NODE:
        return [re.escape(topology.NODE_QUEUE_PREFIX) + ".+"]
    name = re.escape(service)
    return [name, name + re.escape(topology.DEAD_LETTERS), name + r"\.delay\.[0-9]+"]


def _keys(service: str, *, requests: bool) -> str:
    """The routing keys of what the service tells, or of what it asks for. A node's own worker asks itself alone."""
    node = topology.queue(service).node if service.startswith(topology.NODE_QUEUE_PREFIX) else None
    whose = rf"\.{re.escape(node)}" if node else r"\..+"
    kinds = (kind for kind in tells(service) if (kind.type in e.REQUESTS) == requests)
    return _any(re.escape(kind.type) + (whose if "node" in kind.model_fields else "") for kind in kinds)


def _any(patterns: Iterable[str]) -> str:
    """A regular expression for what one of `patterns` matches as a whole; nothing, if there are none."""
    return f"^({'|'.join(found)})$" if (found := sorted(set(patterns))) else NOTHING
