"""Volume and partial records: which tree chunks a volume is made of (FORMAT 7)."""

import json
from dataclasses import dataclass

from schemas.errors import Damaged, Invalid, NotFound
from workers.repository.format.layout import FORMAT, VOLUMES
from workers.repository.format.sealing import SealedStore


@dataclass(frozen=True)
class Volume:
    """`tree` are the ids of its tree chunks, in order."""

    tree: list[bytes]
    scanned_bytes: int
    files: int


def write(sealed: SealedStore, key: str, volume: Volume) -> None:
    """Stores a record, for a partial one over what is there."""
    fields = {
        "format": FORMAT,
        "tree": [id_.hex() for id_ in volume.tree],
        "scanned_bytes": volume.scanned_bytes,
        "files": volume.files,
        "created": sealed.ambient.now().isoformat(timespec="seconds"),
    }
    sealed.write(key, json.dumps(fields).encode())


def read(sealed: SealedStore, key: str) -> Volume:
    """Raises NotFound, Damaged, and Invalid for another format."""
    try:
        plaintext = sealed.read(key)
    except NotFound:
        raise NotFound(f"there is no volume {key.removeprefix(VOLUMES)} in the repository") from None
    try:
        fields = json.loads(plaintext)
        if fields["format"] != FORMAT:
            raise Invalid(f"{key} has format {fields['format']!r:.20}, this Snapline knows {FORMAT}; use a newer one")
        ids = [bytes.fromhex(id_) for id_ in fields["tree"]]
        return Volume(ids, int(fields["scanned_bytes"]), int(fields["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{key} cannot be read: it holds something else than a volume") from error
