"""Whether a store of any provider does all that Snapline relies on."""

from collections.abc import Iterator
from dataclasses import dataclass

from workers.ports import ObjectStore


@dataclass(frozen=True)
class Check:
    """One thing that Snapline needs of a store, and whether it is so."""

    check: str
    ok: bool
    detail: str = ""


def check(store: ObjectStore, name: str) -> Iterator[Check]:
    """Tries everything that Snapline relies on, with objects called `check/<name>…`, which it removes again."""
    key, body = f"check/{name}", b"snapline" * 100
    store.delete(key)
    yield Check("create an object", store.create(key, body))
    yield Check("read it back", store.get(key) == body)
    yield Check("read a part of it", store.get(key, 8, 16) == body[8:24])
    refused = not store.create(key, b"another")
    detail = "" if refused else "it was replaced (on S3: If-None-Match is ignored): this store would lose backups"
    yield Check("refuse to create it twice", refused and store.get(key) == body, detail)
    yield Check("list it", [found.key for found in store.list(key)] == [key])
    yield Check("name what is in a directory", name in store.names("check/"))
    store.delete(key)
    yield Check("delete it", not list(store.list(key)))
