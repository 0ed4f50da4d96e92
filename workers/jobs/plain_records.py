"""Records from before they were sealed (FORMAT F46): sealed at last, so that no others need be believed any more."""

from schemas import keys
from schemas.errors import Code, Invalid, NotFound
from workers.ports import ObjectStore

_VOLUMES = "repository/"


def seal_all(store: ObjectStore) -> None:
    """Reads every record, and writes it back as the store writes records. Safe to run twice. Raises Invalid while jobs
    run, whose records change meanwhile, and Damaged for a record that is not believed."""
    if running := next(store.list(keys.RUNNING), None):
        job = keys.parse_running(running.key)
        text = f"{job} is under way; its records are sealed when it has ended"
        raise Invalid(text, code=Code.NOT_FINISHED, subject=job.name)
    for name in store.names(""):
        if name != _VOLUMES:
            _seal(store, name)


def _seal(store: ObjectStore, prefix: str) -> None:
    for found in list(store.list(prefix)):
        if keys.is_record(found.key):
            try:
                store.put(found.key, store.get(found.key))
            except NotFound:
                continue  # just deleted
