"""Opens a repository whose passphrases or key records are lost, by its recovery text (F6)."""

from schemas.errors import Damaged, Invalid, NotFound
from workers.ports import ObjectStore
from workers.repository.format import keyring
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import FORMAT, INDEX, VOLUMES
from workers.repository.format.listing import listed
from workers.repository.format.master_key import derive, from_recovery_text
from workers.repository.format.sealing import SealedStore


def recover(
    store: ObjectStore,
    text: str,
    passphrase: str,
    label: str,
    ambient: Ambient = keyring.USUAL,
    *,
    version: int = FORMAT,
) -> str:
    """A key record by the recovery text, of the format `version`; its id. What other key records say of the format
    proves nothing here. Raises Invalid for a text of another repository."""
    master = from_recovery_text(text)
    sealed = SealedStore(store, derive(master), ambient)
    for prefix in (INDEX, VOLUMES):
        for found in listed(store, prefix):
            try:
                sealed.read(found.key)
            except NotFound:
                continue  # just deleted
            except Damaged as error:
                raise Invalid(f"this recovery text does not open {found.key}: is it of another repository?") from error
            return keyring.add(store, master, passphrase, label, ambient, version)
    raise NotFound("there is nothing here that the recovery text could open; check the bucket and the prefix")
