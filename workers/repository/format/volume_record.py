"""Volume and partial records: which tree chunks a volume is made of (FORMAT 7)."""

import json
from dataclasses import dataclass

from schemas.errors import Damaged, Invalid, NotFound
from workers.repository.format.layout import RECORD_MOST, VOLUME_FORMAT, VOLUMES
from workers.repository.format.sealing import SealedStore


@dataclass(frozen=True)
class Volume:
    """`tree` are the ids of its tree chunks, in order."""

    tree: list[bytes]
    scanned_bytes: int
    files: int


def write(sealed: SealedStore, key: str, volume: Volume) -> None:
    """Stores a record, for a partial one over what is there. Raises Invalid for one that nobody could read (F31)."""
    fields = {
        "format": VOLUME_FORMAT,
        "tree": [id_.hex() for id_ in volume.tree],
        "scanned_bytes": volume.scanned_bytes,
        "files": volume.files,
        "created": sealed.ambient.now().isoformat(timespec="seconds"),
    }
    body = json.dumps(fields).encode()
    if len(body) > RECORD_MOST:
        raise Invalid(f"the volume has too many tree chunks to be copied: {len(volume.tree)}; split it")
    sealed.write(key, body)


def read(sealed: SealedStore, key: str) -> Volume:
    """Raises NotFound, Damaged, and Invalid for another format."""
    try:
        plaintext = sealed.read(key, RECORD_MOST)
    except NotFound:
        raise NotFound(f"there is no volume {key.removeprefix(VOLUMES)} in the repository") from None
    try:
        fields = json.loads(plaintext)
        if fields["format"] != VOLUME_FORMAT:
            known = f"this Snapline knows {VOLUME_FORMAT}; use a newer one"
            raise Invalid(f"{key} has format {fields['format']!r:.20}, {known}")
        ids = [bytes.fromhex(id_) for id_ in fields["tree"]]
        return Volume(ids, int(fields["scanned_bytes"]), int(fields["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{key} cannot be read: it holds something else than a volume") from error
