"""What can be done with the keys of a repository. Importing it takes a third of a second, for the repository's code."""

from dataclasses import dataclass

from pydantic import SecretStr

from producers.actions.destinations import keep
from producers.session import Session
from producers.views.destinations import is_given
from schemas.errors import Code, Invalid, NotFound
from schemas.events import THE_DEFAULT
from workers.jobs import plain_records
from workers.repository.format import keyring
from workers.repository.format.key_record import PLAIN_RECORDS
from workers.repository.format.keyring import Found, KeyRecord
from workers.repository.format.layout import FORMAT
from workers.repository.format.master_key import recovery_text
from workers.repository.upkeep import recover as recovering


@dataclass(frozen=True)
class Rotated:
    """The new key, and whether the stored destination has its passphrase now; if not, it comes from the environment, or
    from where the destination refers to, and must be changed there."""

    id: str
    is_stored: bool


def show_recovery_text(session: Session, destination: str = THE_DEFAULT) -> str:
    """The recovery text, once; the repository is made if there is none. Raises Invalid the second time, Denied."""
    store, passphrase = session.store(destination), _passphrase(session, destination)
    master = keyring.unlock(store, passphrase) or keyring.make(store, passphrase)[0]
    if not keyring.first_showing(store):
        raise Invalid("the recovery text of this repository was shown before, and is not shown again")
    return recovery_text(master)


def listed(session: Session, destination: str = THE_DEFAULT) -> list[KeyRecord]:
    """The keys, without their secrets."""
    return keyring.records(session.store(destination))


def add(session: Session, passphrase: str, label: str = "", destination: str = THE_DEFAULT) -> str:
    """Another passphrase; the id of its key. Raises as `remove`."""
    found = _found(session, destination)
    return keyring.add(session.store(destination), found.master, passphrase, label, version=found.version)


def remove(session: Session, id: str, destination: str = THE_DEFAULT) -> None:
    """Takes a passphrase away. Raises NotFound, Invalid for the last one, and Denied if the destination's passphrase
    opens nothing."""
    _found(session, destination)
    keyring.remove(session.store(destination), id)


def rotate(session: Session, passphrase: str, label: str = "", destination: str = THE_DEFAULT) -> Rotated:
    """A new passphrase in place of the destination's. In a repository from before records were sealed, all are sealed
    first; who has the new one believes no others. Raises NotFound, Denied, and Invalid while jobs run there."""
    destination = session.named(destination)
    chosen = session.destination(destination)
    old, store = chosen.passphrase.get_secret_value(), session.store(destination)
    if _found(session, destination).keys.plain_records:
        plain_records.seal_all(store)
    id_ = keyring.rotate(store, old, passphrase, label)
    if is_given(session.settings, destination) or "passphrase" in chosen.references:
        return Rotated(id_, is_stored=False)
    keep(session, chosen.model_copy(update={"passphrase": SecretStr(passphrase)}))
    return Rotated(id_, is_stored=True)


def recover(
    session: Session, text: str, label: str, destination: str = THE_DEFAULT, *, plain_records: bool = False
) -> str:
    """A key for the destination's passphrase by the recovery text; its id. With `plain_records`, records that were
    never sealed are believed, as in repositories from before they were. Raises Invalid, NotFound."""
    version = PLAIN_RECORDS if plain_records else FORMAT
    store, passphrase = session.store(destination), _passphrase(session, destination)
    return recovering.recover(store, text, passphrase, label, version=version)


def _found(session: Session, destination: str) -> Found:
    """The key that the passphrase opens: whoever changes keys must be able to open the repository."""
    found = keyring.find(session.store(destination), _passphrase(session, destination))
    if found is None:
        raise NotFound("there is no repository in this destination yet", code=Code.NO_REPOSITORY)
    return found


def _passphrase(session: Session, destination: str) -> str:
    return session.destination(destination).passphrase.get_secret_value()
