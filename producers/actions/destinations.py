"""What can be done with storage destinations: change, try out, keep, make the default, forget."""

import os
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from producers.actions import objects
from producers.session import Session
from producers.views.destinations import is_given
from producers.views.destinations.use import DestinationUse, jobs_in, use
from schemas import default_destination, secret_references
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS, SECRETS, Object
from workers.adapters.stores.check import Check, check, tried
from workers.ports import ObjectStore

NO_REPOSITORY_YET = "there is none yet: the first backup makes it"
REDACTED = "REDACTED"
"""Stands in other tools' output in place of a secret, and is none."""


@dataclass(frozen=True)
class Change:
    """What is to be other of the destination `name`. Of `given`, None and "" leave a field as it was; fields in
    `cleared` begin anew; `references` are where values are kept; `usual` is what a field has at first."""

    provider: str
    name: str
    given: Mapping[str, Any]
    references: Mapping[str, str] = field(default_factory=dict)
    cleared: Collection[str] = ()
    usual: Mapping[str, Any] = field(default_factory=dict)


def changed(session: Session, change: Change) -> Destination:
    """What is stored under that name, with the change. A value that is given goes before a reference of before, and the
    other way round. A stored one of another provider counts for nothing. Nothing is stored yet. Raises Invalid, and as
    the cluster."""
    said = {name: value for name, value in change.given.items() if value not in (None, "")}
    if redacted := [name for name, value in said.items() if REDACTED in str(value)]:
        text = f"the {redacted[0].replace('_', ' ')} is a stand-in for one that was not shown"
        raise Invalid(text, code=Code.DESTINATION_INVALID, subject=change.name)
    before = _before(session, change)
    new = {name: _full(text, name, change.name) for name, text in change.references.items()}
    old = {name: text for name, text in before.pop("references", {}).items() if name not in said}
    fields = {**change.usual, **before, **said}
    kept = {name: value for name, value in fields.items() if name not in new}
    return destinations.parse({**kept, "references": {**old, **new}, "provider": change.provider, "name": change.name})


def _before(session: Session, change: Change) -> dict[str, Any]:
    """The fields that stay, if nothing else is said."""
    stored = _stored(session, change.name)
    if stored is None or stored.provider != change.provider:
        return {}
    fields = {name: getattr(stored, name) for name in type(stored).model_fields if name not in change.cleared}
    references = {name: text for name, text in stored.references.items() if name not in change.cleared}
    return {**fields, "references": references}


def _full(text: str, field: str, name: str) -> str:
    """The reference with all that it means."""
    try:
        return str(secret_references.parse(text, field))
    except ValueError as error:
        raise Invalid(str(error), code=Code.DESTINATION_INVALID, subject=name) from error


def with_secrets(session: Session, destination: Destination) -> Destination:
    """With what it refers to, as it is here. Raises Invalid (`SecretMissing`), and as the cluster."""

    def read(name: str) -> Object:
        return session.cluster.get(SECRETS, session.settings.console_namespace, name)

    return destinations.resolved(destination, read, os.environ)


def keep(session: Session, destination: Destination) -> None:
    """Stores it in the console's namespace, in place of one of the same name. Workers take it up by themselves.
    Raises as the cluster."""
    objects.apply(session.cluster, SECRETS, destinations.to_secret(destination, session.settings.console_namespace))
    session.destinations.look_again()


def may_be_replaced(session: Session, destination: Destination) -> None:
    """Raises Invalid (`DestinationInUse`) while jobs run in another place that has the name now: they would not find
    their records any more. With other credentials it is the same place."""
    stored = _stored(session, destination.name)
    if stored is not None and stored.place != destination.place:
        running = jobs_in(session, stored.name)
        if running.reasons:
            raise _in_use(running)


def set_default(session: Session, name: str) -> None:
    """Makes it the default: requests that name none go there from now on. Raises NotFound (`NoDestination`), Invalid
    where the environment gives the default, and as the cluster."""
    if destinations.from_settings(session.settings) is not None:
        raise Invalid("the environment gives the default destination here, and counts", code=Code.DESTINATION_GIVEN)
    session.destination(name)
    before, namespace = session.destinations.defaults(), session.settings.console_namespace
    objects.apply(session.cluster, CONFIG_MAPS, default_destination.to_config_map(name, before, namespace))
    session.destinations.look_again()


def forget(session: Session, name: str, *, force: bool = False) -> None:
    """Takes its Secret away; what is in the store stays there. Raises NotFound (`NoDestination`), and unless it is
    forced Invalid (`DestinationInUse`) for one that is needed."""
    unknown = NotFound(f"no storage destination {name!r:.80} is stored", code=Code.NO_DESTINATION, subject=name)
    namespace, secret = session.settings.console_namespace, destinations.secret_name(name)
    if not force and _is_stored(session, name):
        needed = use(session, name)
        if needed.reasons:
            raise _in_use(needed)
    objects.remove(session.cluster, SECRETS, namespace, secret, unknown)
    session.destinations.look_again()


def _in_use(needed: DestinationUse) -> Invalid:
    text = f"destination {needed.name} is in use: {'; '.join(needed.reasons)}"
    return Invalid(text, code=Code.DESTINATION_IN_USE, subject=needed.name)


def _is_stored(session: Session, name: str) -> bool:
    """Whether there is a Secret of it, and it counts."""
    if not destinations.is_name(name) or is_given(session.settings, name):
        return False
    try:
        session.cluster.get(SECRETS, session.settings.console_namespace, destinations.secret_name(name))
    except NotFound:
        return False
    return True


def _stored(session: Session, name: str) -> Destination | None:
    """The one that is stored, if it can be read, without what it refers to; not that of the environment."""
    if not destinations.is_name(name):
        return None
    try:
        namespace, secret = session.settings.console_namespace, destinations.secret_name(name)
        return destinations.from_secret(session.cluster.get(SECRETS, namespace, secret))
    except (NotFound, Invalid):
        return None


def described(session: Session, name: str) -> Destination:
    """What is stored under the name, or the environment gives, also if what it refers to cannot be found. Raises
    NotFound (`NoDestination`), Invalid for one that cannot be read, and as the cluster."""
    name = session.named(name)
    if is_given(session.settings, name) or (stored := _stored(session, name)) is None:
        return session.destination(name)
    return stored


def try_out(session: Session, destination: Destination) -> Iterator[Check]:
    """Tries everything that Snapline needs of it, one after the other, and leaves nothing behind: its secrets, its
    store, and that its passphrase opens the repository that is there. It need not be stored. Raises nothing: what
    cannot be done is a check that has failed, and then the rest is left out."""
    found: list[Destination] = []

    def secrets() -> str:
        found.append(with_secrets(session, destination))
        return ""

    if destination.references:
        yield (first := tried("find the secrets that it refers to", secrets))
        if first.error:
            return
    yield from _tried_store(session, found[0] if found else destination)


def _tried_store(session: Session, destination: Destination) -> Iterator[Check]:
    opened: list[ObjectStore] = []

    def open_it() -> str:
        opened.append(session.open_store(destination))
        return destination.place

    yield (first := tried("open it", open_it))
    if first.error:
        return
    sound = True
    for each in check(opened[0], uuid.uuid4().hex):
        sound = sound and each.ok
        yield each
    if sound:
        yield tried("open the repository", lambda: _repository(opened[0], destination))


def _repository(store: ObjectStore, destination: Destination) -> str:
    from workers.repository.format import keyring  # a third of a second

    if keyring.unlock(store, destination.passphrase.get_secret_value()) is None:
        return NO_REPOSITORY_YET
    return "its passphrase opens the one that is there"
