"""The repository's keys: a random master key, wrapped by each passphrase, and what is derived from it (FORMAT 3)."""

import base64
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from schemas.errors import Damaged, Denied, Invalid, NotFound
from workers.ports import ObjectStore
from workers.repository.format.layout import (
    BALLAST,
    BALLAST_BYTES,
    FIRST_KEY,
    FORMAT,
    KEYS,
    PACKS,
    RECOVERY_SHOWN,
    name_of,
    new_id,
)

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
SCRYPT_MOST = 2**30
"""Bytes of memory that a key record may ask for (F9)."""
RECORD_MOST = 64 * 1024
"""Bytes of a key record that are read (F9)."""
MASTER = 32
CONTEXT = "snapline.dev 2026-11 repository "
WRAPPING = b"snapline key"


@dataclass(frozen=True)
class Keys:
    """The subkeys. Two repositories with the same `identity` are the same."""

    data_ids: bytes = field(repr=False)
    tree_ids: bytes = field(repr=False)
    packs: bytes = field(repr=False)
    objects: bytes = field(repr=False)
    seed: int = field(repr=False)
    identity: str

    def id_of(self, kind: str, plaintext: bytes | memoryview) -> bytes:
        """The id of a chunk of kind `d` or `t`: nobody without the key can tell what is stored."""
        return blake3(plaintext, key=self.data_ids if kind == "d" else self.tree_ids).digest()

    def pack(self, pack: bytes) -> AESGCM:
        """The cipher of one pack (F7)."""
        return AESGCM(blake3(self.packs + pack, derive_key_context=CONTEXT + "pack").digest())


@dataclass(frozen=True)
class KeyRecord:
    """One passphrase's key record, as it is listed."""

    id: str
    label: str
    created: str  # UTC, ISO 8601
    damaged: bool = False  # opens nothing any more


def open_keys(store: ObjectStore, passphrase: str) -> Keys:
    """The keys of the repository in `store`, which is made if there is none (F4). Raises Invalid, Denied, Damaged."""
    return derive(unlock(store, passphrase) or make(store, passphrase)[0])


def make(store: ObjectStore, passphrase: str) -> tuple[bytes, bool]:
    """The master key of a new repository; False if another process was first and its passphrase is the same.
    Raises Damaged where packs are but no keys."""
    _check(passphrase)
    if next(iter(store.list(PACKS)), None) is not None:
        raise Damaged(
            "the repository has packs, but its keys are gone; put the objects below repository/keys/ back, or run "
            "`snapline repository recover` with the recovery text"
        )
    master = secrets.token_bytes(MASTER)
    if store.create(FIRST_KEY, _wrap(master, passphrase, "first")):
        store.create(BALLAST, bytes(BALLAST_BYTES))  # while there is room (F28)
        return master, True
    theirs = unlock(store, passphrase)
    if theirs is None:
        raise Damaged(f"{FIRST_KEY} came and went; open the repository again")
    return theirs, False


def unlock(store: ObjectStore, passphrase: str) -> bytes | None:
    """The master key; None if there is no key at all. Raises Denied if the passphrase opens none, Damaged if that may
    be for a record that cannot be read."""
    found = find(store, passphrase)
    return found[1] if found else None


def find(store: ObjectStore, passphrase: str) -> tuple[str, bytes] | None:
    """The id of the key record that the passphrase opens, and the master key; as `unlock`."""
    _check(passphrase)
    tried, damage = 0, None
    for id_, body in _records(store):
        tried += 1
        try:
            return id_, _unwrap(body, passphrase)
        except InvalidTag:
            continue
        except Damaged as error:
            damage = error
    if damage:
        raise damage
    if not tried:
        return None
    raise Denied(
        f"the passphrase opens none of the {tried} keys of this repository; give one that was set with "
        "`snapline storage set` or `snapline repository key add`"
    )


def records(store: ObjectStore) -> list[KeyRecord]:
    """All key records, without their secrets."""
    listed = []
    for id_, body in _records(store):
        try:
            fields = _parse(body)
        except Damaged:
            listed.append(KeyRecord(id_, "", "", damaged=True))
            continue
        listed.append(KeyRecord(id_, str(fields.get("label", "")), str(fields.get("created", ""))))
    return listed


def add(store: ObjectStore, master: bytes, passphrase: str, label: str) -> str:
    """Another passphrase for the same master key; the new record's id."""
    _check(passphrase)
    id_ = new_id()
    store.create(KEYS + id_, _wrap(master, passphrase, label))
    return id_


def remove(store: ObjectStore, id_: str) -> None:
    """Raises NotFound, and Invalid for the last one that can be read (F5)."""
    known = {record.id: record for record in records(store)}
    if id_ not in known:
        raise NotFound(f"there is no key {id_!r:.80}; `snapline repository key list` shows them")
    last = Invalid(f"{id_} is the last key: without it nothing could be read; add another one first")
    if not known[id_].damaged and not _another(known.values(), id_):
        raise last
    body = store.get(KEYS + id_)
    store.delete(KEYS + id_)
    if not known[id_].damaged and not _another(records(store), id_):  # somebody has just removed the others
        store.create(KEYS + new_id(), body)  # not under its old name (F2)
        raise last


def _another(known: Iterable[KeyRecord], id_: str) -> bool:
    return any(record.id != id_ and not record.damaged for record in known)


def rotate(store: ObjectStore, old: str, new: str, label: str) -> str:
    """Another passphrase in place of one; the new record's id. Killed in between, both open. Raises as `find`."""
    found = find(store, old)
    if found is None:
        raise NotFound("there is no repository here yet: it has no keys")
    id_ = add(store, found[1], new, label)
    remove(store, found[0])
    return id_


def first_showing(store: ObjectStore) -> bool:
    """Whether the recovery text has not been shown before; from now on it has (F6)."""
    return store.create(RECOVERY_SHOWN, datetime.now(UTC).isoformat(timespec="seconds").encode())


def recovery_text(master: bytes) -> str:
    """The master key for a human to keep (F6): groups of base32, the last two a check sum."""
    text = base64.b32encode(master + _check_sum(master)).decode().rstrip("=")
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def from_recovery_text(text: str) -> bytes:
    """The inverse. Raises Invalid."""
    letters = "".join(text.upper().replace("-", "").split())
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raw = b""
    master, check_sum = raw[:MASTER], raw[MASTER:]
    if len(master) != MASTER or check_sum != _check_sum(master):
        raise Invalid("this is not a recovery text: a letter is wrong or missing")
    return master


def derive(master: bytes) -> Keys:
    """All subkeys."""
    return Keys(
        data_ids=_subkey(master, "data ids"),
        tree_ids=_subkey(master, "tree ids"),
        packs=_subkey(master, "packs"),
        objects=_subkey(master, "objects"),
        seed=int.from_bytes(_subkey(master, "cutting")[:8], "little") >> 2,
        identity=_subkey(master, "identity")[:16].hex(),
    )


def _records(store: ObjectStore) -> Iterator[tuple[str, bytes]]:
    for found in sorted(store.list(KEYS), key=lambda found: found.key):
        try:
            yield name_of(found.key), store.get(found.key, 0, RECORD_MOST)
        except NotFound:
            continue  # just removed


def _check(passphrase: str) -> None:
    if not passphrase:
        raise Invalid("the repository has no passphrase; set SNAPLINE_PASSPHRASE, or run `snapline storage set`")


def _subkey(master: bytes, purpose: str) -> bytes:
    return blake3(master, derive_key_context=CONTEXT + purpose).digest()


def _check_sum(master: bytes) -> bytes:
    return blake3(master, derive_key_context=CONTEXT + "recovery text").digest(8)


def _wrap(master: bytes, passphrase: str, label: str) -> bytes:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    stretched = _stretch(passphrase, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P)
    wrapped = AESGCM(stretched).encrypt(nonce, master, WRAPPING)
    encoded = {
        name: base64.b64encode(value).decode()
        for name, value in (("salt", salt), ("nonce", nonce), ("wrapped", wrapped))
    }
    numbers = {"format": FORMAT, "kdf": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({**numbers, **encoded, "label": label, "created": created}).encode()


def _parse(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body)
        version = fields["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged("a key record cannot be read; put the objects below repository/keys/ back") from error
    if version != FORMAT:
        raise Invalid(f"the repository has format {version!r:.20}, this Snapline knows {FORMAT}; use a newer one")
    return dict(fields)


def _unwrap(body: bytes, passphrase: str) -> bytes:
    """Raises InvalidTag for another passphrase, Damaged."""
    fields = _parse(body)
    try:
        salt, nonce, wrapped = (base64.b64decode(str(fields[name])) for name in ("salt", "nonce", "wrapped"))
        n, r, p = (int(str(fields[name])) for name in ("n", "r", "p"))
        if not (n > 1 and r > 0 and 0 < p <= 16 and 128 * n * r <= SCRYPT_MOST):
            raise Damaged(f"a key record asks for scrypt with n={n}, r={r}, p={p}; that cannot be ours")
        stretched = _stretch(passphrase, salt, n, r, p)
        return AESGCM(stretched).decrypt(nonce, wrapped, WRAPPING)
    except (ValueError, KeyError) as error:
        raise Damaged("a key record cannot be read; put the objects below repository/keys/ back") from error


def _stretch(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())
