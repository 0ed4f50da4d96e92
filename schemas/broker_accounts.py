"""What each service's account may do on RabbitMQ: the least that its work needs, as RabbitMQ's definitions have it.

A worker declares its own queues, hears its own events, gives messages back to its own queue, and tells what is its to
tell. The console reads the event log and dead letters, gives these back to any queue, and says what is cancelled.
Exchanges and the event log are an administrator's to declare, so they are in the definitions as well.
"""

import re
from collections.abc import Iterable
from typing import Any

from schemas import events as e
from schemas import topology
from schemas.services import CONSOLE, PRODUCERS, services, tells
from schemas.topology import CONTROL, EVENT_LOG, EVENTS, TOLD, WORK

_STEPS = [*map(re.escape, topology.QUEUES), re.escape(topology.NODE_QUEUE_PREFIX) + ".+"]
"""The queues of all steps, on any node."""
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
            for name, kind in ((EVENTS, "topic"), (TOLD, "topic"), (WORK, "topic"), (CONTROL, "fanout"))
        ],
        "queues": [{**_durable(vhost, EVENT_LOG), "arguments": topology.EVENT_LOG_ARGUMENTS}],
        "bindings": [
            _bound(vhost, TOLD, EVENTS, "exchange", "#"),
            _bound(vhost, TOLD, EVENT_LOG, "queue", "#"),
            _bound(vhost, WORK, EVENT_LOG, "queue", EVENT_LOG),
        ],
    }


def _permissions(service: str) -> dict[str, str]:
    if service == CONSOLE:
        letters = [step + re.escape(topology.DEAD_LETTERS) for step in _STEPS]
        written = _any(map(re.escape, (EVENTS, TOLD, WORK, CONTROL)))
        return {"configure": _any(()), "write": written, "read": _any([re.escape(EVENT_LOG), *letters])}
    if service in PRODUCERS:
        return {"configure": _any(()), "write": _any(map(re.escape, (EVENTS, TOLD))), "read": _any(())}
    queue = topology.queue(service)
    own, listens = _own(queue), [re.escape(CONTROL)] if queue.node else []
    asks = [re.escape(EVENTS)] if any(kind.type in e.REQUESTS for kind in tells(service)) else []
    temporary = [TEMPORARY] if queue.node else []  # to hear of cancellations
    return {
        "configure": _any([*own, *temporary]),
        "write": _any([*own, *temporary, *asks, *map(re.escape, (TOLD, WORK))]),
        "read": _any([*own, *temporary, *map(re.escape, (EVENTS, WORK)), *listens]),
    }


def _topic_permissions(service: str) -> list[dict[str, str]]:
    told, asked = _keys(service, requests=False), _keys(service, requests=True)
    if service in PRODUCERS:
        back = _any(_STEPS if service == CONSOLE else ())
        writes = ((EVENTS, asked), (TOLD, told), *(((WORK, back),) if service == CONSOLE else ()))
        return [{"exchange": name, "write": said, "read": _any(())} for name, said in writes]
    queue = topology.queue(service)
    own = _own(queue)
    heard = _any(re.escape(key) for key in queue.binding_keys)
    logs = [re.escape(EVENT_LOG)] if any(kind.type in e.REQUESTS for kind in queue.hears) else []
    return [
        {"exchange": EVENTS, "write": asked, "read": heard},
        {"exchange": TOLD, "write": told, "read": _any(())},
        {"exchange": WORK, "write": _any([*own, *logs]), "read": _any(own)},
    ]


def _own(queue: topology.Queue) -> list[str]:
    name = re.escape(queue.name)
    return [name, name + re.escape(topology.DEAD_LETTERS), name + r"\.delay\.[0-9]+"]


def _keys(service: str, *, requests: bool) -> str:
    """The routing keys of what the service tells, or of what it asks for."""
    kinds = (kind for kind in tells(service) if (kind.type in e.REQUESTS) == requests)
    return _any(re.escape(kind.type) + (r"\..+" if "node" in kind.model_fields else "") for kind in kinds)


def _any(patterns: Iterable[str]) -> str:
    """A regular expression for what one of `patterns` matches as a whole; nothing, if there are none."""
    return f"^({'|'.join(sorted(set(patterns)))})$"


def _durable(vhost: str, name: str) -> dict[str, Any]:
    return {"name": name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {}}


def _bound(vhost: str, source: str, destination: str, kind: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "vhost": vhost,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "arguments": {},
    }
