"""The rules of all scopes, as the console's namespace keeps them."""

from typing import NamedTuple

from schemas import retention
from schemas.errors import Invalid
from schemas.kubernetes import CONFIG_MAPS
from schemas.messages import Message, told
from schemas.retention import Rules
from workers.ports import Cluster


class Known(NamedTuple):
    """The rules by scope, and why those of others cannot be read; "" is a scope that nobody can tell."""

    rules: dict[str, Rules]
    unreadable: dict[str, Message]


def read(cluster: Cluster, console_namespace: str) -> Known:
    """All that there are. Raises as the cluster."""
    known = Known({}, {})
    for obj in cluster.list(CONFIG_MAPS, console_namespace, retention.LABEL):
        scope = retention.scope_in(obj)
        try:
            rules = retention.from_config_map(obj)
        except Invalid as error:
            known.unreadable[scope] = told(error)
        else:
            known.rules[scope] = rules
    return known
