"""One key record: the master key, wrapped by one passphrase (FORMAT 3). Bytes in, bytes out."""

import base64
import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from schemas.errors import Code, Damaged, Invalid
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import FORMAT

SCRYPT_R, SCRYPT_P = 8, 1
WRAPPING = b"snapline key"
"""Associated data of format 1."""
PLAIN_RECORDS = 1
"""The format whose records may be plain (F46)."""


def wrap(master: bytes, passphrase: str, label: str, ambient: Ambient, version: int = FORMAT) -> bytes:
    """A new record, of that format."""
    salt, nonce, cost = ambient.random_bytes(16), ambient.random_bytes(12), ambient.limits.scrypt_cost
    fields: dict[str, object] = {
        "format": version,
        "kdf": "scrypt",
        "n": cost,
        "r": SCRYPT_R,
        "p": SCRYPT_P,
        "salt": base64.b64encode(salt).decode(),
        "nonce": base64.b64encode(nonce).decode(),
        "label": label,
        "created": ambient.now().isoformat(timespec="seconds"),
    }
    cipher = AESGCM(_stretch(passphrase, salt, cost, SCRYPT_R, SCRYPT_P))
    wrapped = cipher.encrypt(nonce, master, _associated(fields))
    return json.dumps({**fields, "wrapped": base64.b64encode(wrapped).decode()}).encode()


def unwrap(body: bytes, passphrase: str, ambient: Ambient) -> bytes | None:
    """The master key; None for another passphrase. Raises Damaged, and Invalid for another format."""
    fields = parse(body)
    try:
        salt, nonce, wrapped = (base64.b64decode(str(fields[name])) for name in ("salt", "nonce", "wrapped"))
        n, r, p = (int(str(fields[name])) for name in ("n", "r", "p"))
        if not (n > 1 and r > 0 and 0 < p <= 16 and 128 * n * r <= ambient.limits.scrypt_memory):
            raise Damaged(f"a key record asks for scrypt with n={n}, r={r}, p={p}; that cannot be ours")
        return AESGCM(_stretch(passphrase, salt, n, r, p)).decrypt(nonce, wrapped, _associated(fields))
    except InvalidTag:
        return None
    except (ValueError, KeyError) as error:
        raise _unreadable() from error


def parse(body: bytes) -> dict[str, object]:
    """The fields. Raises Damaged, and Invalid for another format."""
    try:
        fields = json.loads(body)
        version = fields["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable() from error
    if version not in range(1, FORMAT + 1) or isinstance(version, bool):
        raise Invalid(f"the repository has format {version!r:.20}, this Snapline knows {FORMAT}; use a newer one")
    return dict(fields)


def version_of(body: bytes) -> int:
    """The format that a record says. Raises as `parse`."""
    return int(str(parse(body)["format"]))


def _associated(fields: Mapping[str, object]) -> bytes:
    """What is bound to the wrapped key: from format 2 on, all the rest of the record, its format before all."""
    if fields["format"] == 1:
        return WRAPPING
    rest = {name: value for name, value in fields.items() if name != "wrapped"}
    return WRAPPING + b" " + json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def _unreadable() -> Damaged:
    return Damaged("a key record cannot be read; put the objects below repository/keys/ back", code=Code.KEYS_LOST)


def _stretch(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())
