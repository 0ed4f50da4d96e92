"""What can be done with storage destinations: change, try out, keep, forget."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from producers.actions import objects
from producers.session import Session
from schemas import default_destination
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from workers.adapters.stores.check import Check, check
from workers.ports import ObjectStore


def changed(session: Session, provider: str, name: str, given: Mapping[str, Any]) -> Destination:
    """What is stored under that name, with the fields that are given: None and "" leave a field as it was. A stored
    one of another provider counts for nothing. Nothing is stored yet. Raises Invalid, and as the cluster."""
    stored = _stored(session, name)
    before = {}
    if stored is not None and stored.provider == provider:
        before = {field: getattr(stored, field) for field in type(stored).model_fields}
    said = {field: value for field, value in given.items() if value not in (None, "")}
    return destinations.parse(before | said | {"provider": provider, "name": name})


def keep(session: Session, destination: Destination) -> None:
    """Stores it in the console's namespace, in place of one of the same name. Workers take it up by themselves.
    Raises as the cluster."""
    objects.apply(session.cluster, SECRETS, destinations.to_secret(destination, session.settings.console_namespace))
    session.destinations.look_again()


def set_default(session: Session, name: str) -> None:
    """Makes it the default: requests that name none go there from now on. Raises NotFound (`NoDestination`), Invalid
    where the environment gives the default, and as the cluster."""
    if destinations.from_settings(session.settings) is not None:
        raise Invalid("the environment gives the default destination here, and counts", code=Code.DESTINATION_GIVEN)
    session.destination(name)
    before, namespace = session.destinations.defaults(), session.settings.console_namespace
    objects.apply(session.cluster, CONFIG_MAPS, default_destination.to_config_map(name, before, namespace))
    session.destinations.look_again()


def forget(session: Session, name: str) -> None:
    """Takes its Secret away; what is in the store stays there. Raises NotFound (`NoDestination`)."""
    unknown = NotFound(f"no storage destination {name!r:.80} is stored", code=Code.NO_DESTINATION, subject=name)
    namespace, secret = session.settings.console_namespace, destinations.secret_name(name)
    objects.remove(session.cluster, SECRETS, namespace, secret, unknown)
    session.destinations.look_again()


def _stored(session: Session, name: str) -> Destination | None:
    """The one that is stored, if it can be read; not that of the environment."""
    if not destinations.is_name(name):
        return None
    try:
        namespace, secret = session.settings.console_namespace, destinations.secret_name(name)
        return destinations.from_secret(session.cluster.get(SECRETS, namespace, secret))
    except (NotFound, Invalid):
        return None


def try_out(store: ObjectStore) -> Iterator[Check]:
    """Tries everything that Snapline needs of a store, and leaves nothing behind. Raises as the store."""
    return check(store, uuid.uuid4().hex)
