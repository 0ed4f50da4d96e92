"""What is ours below a prefix of the repository: objects named as FORMAT 2 says. Anything else there is left alone."""

import re
from collections.abc import Iterator

from workers.ports import ObjectStore, StoredObject
from workers.repository.format.layout import PACKS, name_of, pack_key

_ID = re.compile(r"[0-9a-f]{32}")


def listed(store: ObjectStore, prefix: str) -> Iterator[StoredObject]:
    """The objects there, but for markers of folders and what else somebody may have put there (F32)."""
    for found in store.list(prefix):
        name = name_of(found.key)
        if _ID.fullmatch(name) and found.key == (pack_key(bytes.fromhex(name)) if prefix == PACKS else prefix + name):
            yield found
