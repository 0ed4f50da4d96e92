"""The restores that are under way: what they restore, for who looks at its snapshots."""

from dataclasses import dataclass

from schemas import keys
from schemas.job import restore
from schemas.records import RestoreRequest
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class RestoreUnderway:
    """One restore without a final record: of an application, or of more if `app` is None; not on trial."""

    name: str
    backup: str
    app: str | None


def restores_underway(store: ObjectStore) -> list[RestoreUnderway]:
    """By name; one listing, and a record for each. Raises Damaged."""
    names = sorted(
        found.key.removeprefix(keys.running_of("restore")) for found in store.list(keys.running_of("restore"))
    )
    asked = [ledger.find(store, keys.request(restore(name)), RestoreRequest) for name in names]
    return [RestoreUnderway(each.name, each.backup, each.app) for each in asked if each and not each.test]
