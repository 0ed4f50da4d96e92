"""The repository's keys: a random master key, wrapped by the passphrase, and what is derived from it."""

import base64
import json
import secrets
from dataclasses import dataclass

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from schemas.errors import Damaged, Denied, Invalid, NotFound
from workers.ports import ObjectStore

KEY = "repository/key.json"
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
NONCE = 12


@dataclass(frozen=True)
class Keys:
    """Derived keys: one names things, one encrypts them."""

    naming: bytes
    encryption: bytes

    def name(self, data: bytes) -> str:
        """The keyed digest of `data`, in hex: nobody without the key can tell what is stored."""
        return blake3(data, key=self.naming).hexdigest()


def open_keys(store: ObjectStore, passphrase: str) -> Keys:
    """The keys of the repository in `store`, which is made if there is none. Raises Invalid, Denied, Damaged."""
    if not passphrase:
        raise Invalid("the repository has no passphrase; set SNAPLINE_PASSPHRASE, or run `snapline storage set`")
    try:
        record = store.get(KEY)
    except NotFound:
        made = _wrap(secrets.token_bytes(32), passphrase)
        record = made if store.create(KEY, made) else store.get(KEY)
    master = _unwrap(record, passphrase)
    return Keys(_derive(master, "naming"), _derive(master, "encryption"))


def _derive(master: bytes, purpose: str) -> bytes:
    return blake3(master, derive_key_context=f"snapline.dev 2026-11 repository {purpose}").digest()


def _wrap(master: bytes, passphrase: str) -> bytes:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(NONCE)
    wrapped = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, master, b"")
    fields = {"salt": salt, "nonce": nonce, "wrapped": wrapped}
    encoded = {name: base64.b64encode(value).decode() for name, value in fields.items()}
    return json.dumps({"format": 1, "kdf": "scrypt", **encoded}).encode()


def _unwrap(record: bytes, passphrase: str) -> bytes:
    try:
        fields = json.loads(record)
        salt, nonce, wrapped = (base64.b64decode(fields[name]) for name in ("salt", "nonce", "wrapped"))
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"the key record {KEY} cannot be read; restore it from a copy of the bucket") from error
    try:
        return AESGCM(_stretch(passphrase, salt)).decrypt(nonce, wrapped, b"")
    except InvalidTag:
        raise Denied(
            "the passphrase does not open this repository; set SNAPLINE_PASSPHRASE to the one it was made with"
        ) from None


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode())
