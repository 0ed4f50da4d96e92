"""What can be done with the tokens of systems that speak only HTTP: make, forget."""

import secrets
from dataclasses import dataclass

from producers.actions import objects
from producers.session import Session
from schemas import event_token
from schemas.errors import Code, NotFound
from schemas.kubernetes import SECRETS

BYTES = 32


@dataclass(frozen=True)
class Made:
    """A new token. It is shown once, and kept nowhere."""

    name: str
    types: list[str]
    token: str


def make(session: Session, name: str, types: list[str]) -> Made:
    """A token that may ask for `types`; one of the same name is no longer good. Raises Invalid, and as the cluster."""
    token = secrets.token_urlsafe(BYTES)
    made = event_token.make(name, types, token)
    objects.apply(session.cluster, SECRETS, event_token.to_secret(made, session.settings.console_namespace))
    return Made(made.name, made.types, token)


def forget(session: Session, name: str) -> None:
    """The token is no longer good. Raises NotFound."""
    unknown = NotFound(f"there is no token {name!r:.80}", code=Code.NO_SUCH_EVENT_TOKEN, subject=name)
    namespace = session.settings.console_namespace
    objects.remove(session.cluster, SECRETS, namespace, event_token.NAME_PREFIX + name, unknown)
