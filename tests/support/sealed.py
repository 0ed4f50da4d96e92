"""Stores in memory in which records are sealed, as destinations hand them out; and repositories that open at once."""

from functools import cache

from workers.adapters.stores.sealed_records import SealedRecords
from workers.ports import ObjectStore, Repository
from workers.repository import VolumeRepository, open_repository
from workers.repository.format.ambient import Ambient, Limits

PASSPHRASE = "a passphrase"
QUICK = Ambient(Limits(scrypt_cost=2))
"""Stretches passphrases by next to nothing."""


def repository_in(objects: ObjectStore) -> VolumeRepository:
    """The repository of a store, made if there is none."""
    return open_repository(objects, PASSPHRASE, ambient=QUICK)


def sealed(objects: ObjectStore, repository: Repository | None = None) -> SealedRecords:
    """The store as workers see it; `objects` is what somebody sees who has no passphrase."""
    return SealedRecords(objects, cache(lambda: repository or repository_in(objects)))
