"""What can be done with the keys of a repository. Importing it takes a third of a second, for the repository's code."""

from dataclasses import dataclass

from pydantic import SecretStr

from producers.actions.destinations import keep
from producers.session import Session
from producers.views.destinations import is_given
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.events import DEFAULT_DESTINATION
from workers.repository.format import keyring
from workers.repository.format.keyring import KeyRecord
from workers.repository.format.master_key import recovery_text
from workers.repository.upkeep import recover as recovering


@dataclass(frozen=True)
class Rotated:
    """The new key, and whether the stored destination has its passphrase now; if not, it comes from the environment and
    must be changed there."""

    id: str
    is_stored: bool


def opens(session: Session, destination: Destination) -> bool:
    """Whether there is a repository, which the passphrase then opens; none must be there yet. The destination need not
    be stored. Raises Denied for a passphrase that opens nothing, Invalid for none."""
    passphrase = destination.passphrase.get_secret_value()
    return keyring.unlock(session.open_store(destination), passphrase) is not None


def show_recovery_text(session: Session, destination: str = DEFAULT_DESTINATION) -> str:
    """The recovery text, once; the repository is made if there is none. Raises Invalid the second time, Denied."""
    store, passphrase = session.store(destination), _passphrase(session, destination)
    master = keyring.unlock(store, passphrase) or keyring.make(store, passphrase)[0]
    if not keyring.first_showing(store):
        raise Invalid("the recovery text of this repository was shown before, and is not shown again")
    return recovery_text(master)


def listed(session: Session, destination: str = DEFAULT_DESTINATION) -> list[KeyRecord]:
    """The keys, without their secrets."""
    return keyring.records(session.store(destination))


def add(session: Session, passphrase: str, label: str = "", destination: str = DEFAULT_DESTINATION) -> str:
    """Another passphrase; the id of its key. Raises as `remove`."""
    return keyring.add(session.store(destination), _master(session, destination), passphrase, label)


def remove(session: Session, id: str, destination: str = DEFAULT_DESTINATION) -> None:
    """Takes a passphrase away. Raises NotFound, Invalid for the last one, and Denied if the destination's passphrase
    opens nothing."""
    _master(session, destination)
    keyring.remove(session.store(destination), id)


def rotate(session: Session, passphrase: str, label: str = "", destination: str = DEFAULT_DESTINATION) -> Rotated:
    """A new passphrase in place of the destination's. Raises NotFound, Denied."""
    chosen = session.destination(destination)
    old = chosen.passphrase.get_secret_value()
    id_ = keyring.rotate(session.store(destination), old, passphrase, label)
    if is_given(session.settings, destination):
        return Rotated(id_, is_stored=False)
    keep(session, chosen.model_copy(update={"passphrase": SecretStr(passphrase)}))
    return Rotated(id_, is_stored=True)


def recover(session: Session, text: str, label: str, destination: str = DEFAULT_DESTINATION) -> str:
    """A key for the destination's passphrase by the recovery text; its id. Raises Invalid, NotFound."""
    return recovering.recover(session.store(destination), text, _passphrase(session, destination), label)


def _master(session: Session, destination: str) -> bytes:
    """The master key: whoever changes keys must be able to open the repository."""
    master = keyring.unlock(session.store(destination), _passphrase(session, destination))
    if master is None:
        raise NotFound("there is no repository in this destination yet", code=Code.NO_REPOSITORY)
    return master


def _passphrase(session: Session, destination: str) -> str:
    return session.destination(destination).passphrase.get_secret_value()
