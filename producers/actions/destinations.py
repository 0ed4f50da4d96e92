"""What can be done with storage destinations: keep, list, show, try out, remove."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from producers.actions.objects import apply
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, NotFound, PermanentError
from schemas.events import DEFAULT_DESTINATION
from schemas.kubernetes import SECRETS
from schemas.settings import Settings
from workers.adapters.destinations import ConfiguredDestinations
from workers.adapters.stores.check import Check, check
from workers.ports import Cluster, ObjectStore


@dataclass(frozen=True)
class Listed:
    """One destination, without its secrets."""

    name: str
    provider: str = ""
    place: str = ""
    from_environment: bool = False
    passphrase_is_set: bool = False
    problem: str = ""
    """Why it cannot be read; then nothing else is known of it."""


def keep(cluster: Cluster, settings: Settings, destination: Destination) -> None:
    """Stores it in the console's namespace, in place of the one of its name. Workers take it up by themselves.
    Raises as the cluster."""
    apply(cluster, SECRETS, destinations.to_secret(destination, settings.console_namespace))


def remove(cluster: Cluster, settings: Settings, name: str) -> None:
    """Takes its Secret away; what is in the store stays there. Raises NotFound (`NoDestination`)."""
    secret = destinations.secret_name(name)
    try:
        cluster.get(SECRETS, settings.console_namespace, secret)
    except NotFound:
        text = f"no storage destination {name!r:.80} is stored"
        raise NotFound(text, code=Code.NO_DESTINATION, subject=name) from None
    cluster.delete(SECRETS, settings.console_namespace, secret)


def listed(known: ConfiguredDestinations, settings: Settings) -> list[Listed]:
    """All of them, sorted by name; one that cannot be read is among them, with its problem."""
    return [_listed(known, settings, name) for name in known.names()]


def _listed(known: ConfiguredDestinations, settings: Settings, name: str) -> Listed:
    try:
        found = known.destination(name)
    except PermanentError as error:
        return Listed(name, problem=str(error))
    return Listed(
        name=name,
        provider=found.provider,
        place=found.place,
        from_environment=is_given(settings, name),
        passphrase_is_set=bool(found.passphrase.get_secret_value()),
    )


def is_given(settings: Settings, name: str) -> bool:
    """Whether the environment gives the destination of that name: what is stored under it does not count."""
    return name == DEFAULT_DESTINATION and destinations.from_settings(settings) is not None


def shown(destination: Destination) -> dict[str, Any]:
    """All of its fields but the secrets."""
    fields = destination.model_dump(mode="json", exclude={"secret_access_key", "passphrase"})
    return fields | {"passphrase_is_set": bool(destination.passphrase.get_secret_value())}


def try_out(store: ObjectStore) -> Iterator[Check]:
    """Tries everything that Snapline needs of a store, and leaves nothing behind. Raises as the store."""
    return check(store, uuid.uuid4().hex)
