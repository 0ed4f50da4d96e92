"""What can be done with storage destinations: keep, try out, forget."""

import uuid
from collections.abc import Iterator

from producers.actions import objects
from producers.session import Session
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, NotFound
from schemas.kubernetes import SECRETS
from workers.adapters.stores.check import Check, check
from workers.ports import ObjectStore


def keep(session: Session, destination: Destination) -> None:
    """Stores it in the console's namespace, in place of one of the same name. Workers take it up by themselves.
    Raises as the cluster."""
    objects.apply(session.cluster, SECRETS, destinations.to_secret(destination, session.settings.console_namespace))


def forget(session: Session, name: str) -> None:
    """Takes its Secret away; what is in the store stays there. Raises NotFound (`NoDestination`)."""
    try:
        namespace, secret = session.settings.console_namespace, destinations.secret_name(name)
        objects.remove(session.cluster, SECRETS, namespace, secret)
    except NotFound:
        text = f"no storage destination {name!r:.80} is stored"
        raise NotFound(text, code=Code.NO_DESTINATION, subject=name) from None


def try_out(store: ObjectStore) -> Iterator[Check]:
    """Tries everything that Snapline needs of a store, and leaves nothing behind. Raises as the store."""
    return check(store, uuid.uuid4().hex)
