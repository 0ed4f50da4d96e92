"""The storage destinations, without their secrets."""

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import destination as destinations_
from schemas.destination import Destination
from schemas.errors import PermanentError
from schemas.events import DEFAULT_DESTINATION
from schemas.messages import told
from schemas.settings import Settings


@dataclass(frozen=True)
class DestinationView:
    """One destination. `place` is where it is, for people; jobs that name none go to the one that `is_default`."""

    name: str
    provider: str
    place: str
    is_default: bool
    from_environment: bool
    passphrase_is_set: bool


@dataclass(frozen=True)
class UnreadableDestination(Unreadable):
    """One that cannot be read; it may be the default all the same."""

    is_default: bool


def destinations(session: Session) -> list[DestinationView | UnreadableDestination]:
    """All of them by name; those that cannot be read are among them. Raises as the cluster."""
    default = session.destinations.defaults()[0]
    return [_view(session, name, default) for name in session.destinations.names()]


def fields(destination: Destination) -> dict[str, Any]:
    """All of its provider's fields but the secrets, with where those are that it refers to, and `passphrase_is_set`."""
    secrets = {name for name, value in destination if isinstance(value, SecretStr)}
    plain = destination.model_dump(mode="json", exclude=secrets)
    return plain | {"passphrase_is_set": passphrase_is_set(destination)}


def passphrase_is_set(destination: Destination) -> bool:
    """Here, or where the destination refers to."""
    return "passphrase" in destination.references or bool(destination.passphrase.get_secret_value())


def is_given(settings: Settings, name: str) -> bool:
    """Whether the environment gives the destination of that name: what is stored under it does not count."""
    return name == DEFAULT_DESTINATION and destinations_.from_settings(settings) is not None


def _view(session: Session, name: str, default: str) -> DestinationView | UnreadableDestination:
    try:
        found = session.destination(name)
    except PermanentError as error:
        return UnreadableDestination(name, told(error), is_default=name == default)
    return DestinationView(
        name=name,
        provider=found.provider,
        place=found.place,
        is_default=name == default,
        from_environment=is_given(session.settings, name),
        passphrase_is_set=passphrase_is_set(found),
    )
