"""The accounts of the services on the broker: a Secret for each, which is made once, and keeps its password."""

import base64
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

from producers.installing.accounts import home
from producers.installing.given import ADDRESS
from producers.installing.objects import made
from producers.installing.options import Options
from producers.installing.pods import broker_secret
from schemas.errors import AlreadyExists, Invalid, NotFound
from schemas.kubernetes import SECRETS, Object
from schemas.services import services
from workers.ports import Cluster


def make(cluster: Cluster, options: Options, broker: str, password: Callable[[], str]) -> dict[str, str]:
    """User -> password of every service's account, each with a Secret that has its address of the `broker` (host and
    port). What is there stays; what is missing gets a new `password`. Raises Invalid for a Secret that holds none, and
    as the cluster."""
    return {name: _kept(cluster, name, home(name, options), broker, password) for name in services(any_node=True)}


def _kept(cluster: Cluster, service: str, namespace: str, broker: str, password: Callable[[], str]) -> str:
    name = broker_secret(service)
    try:
        return _password(cluster.get(SECRETS, namespace, name))
    except NotFound:
        address = f"amqp://{quote(service, safe='')}:{quote(password(), safe='')}@{broker}/%2F"
    data = {ADDRESS: base64.b64encode(address.encode()).decode()}
    try:
        return _password(cluster.create(SECRETS, made("v1", "Secret", name, namespace, type="Opaque", data=data)))
    except AlreadyExists:
        return _password(cluster.get(SECRETS, namespace, name))


def _password(secret: Object) -> str:
    try:
        address = base64.b64decode(secret["data"][ADDRESS]).decode()
        found = urlsplit(address).password
    except (LookupError, TypeError, ValueError):
        found = None
    if not found:
        raise Invalid(f"the Secret {secret['metadata']['name']} has no {ADDRESS} with a password")
    return unquote(found)
