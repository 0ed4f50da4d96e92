"""One key record: the master key, wrapped by one passphrase (FORMAT 3). Bytes in, bytes out."""

import base64
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from schemas.errors import Code, Damaged, Invalid
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import FORMAT

SCRYPT_R, SCRYPT_P = 8, 1
WRAPPING = b"snapline key"


def wrap(master: bytes, passphrase: str, label: str, ambient: Ambient) -> bytes:
    """A new record."""
    salt, nonce, cost = ambient.random_bytes(16), ambient.random_bytes(12), ambient.limits.scrypt_cost
    wrapped = AESGCM(_stretch(passphrase, salt, cost, SCRYPT_R, SCRYPT_P)).encrypt(nonce, master, WRAPPING)
    encoded = {
        name: base64.b64encode(value).decode()
        for name, value in (("salt", salt), ("nonce", nonce), ("wrapped", wrapped))
    }
    numbers = {"format": FORMAT, "kdf": "scrypt", "n": cost, "r": SCRYPT_R, "p": SCRYPT_P}
    created = ambient.now().isoformat(timespec="seconds")
    return json.dumps({**numbers, **encoded, "label": label, "created": created}).encode()


def unwrap(body: bytes, passphrase: str, ambient: Ambient) -> bytes | None:
    """The master key; None for another passphrase. Raises Damaged, and Invalid for another format."""
    fields = parse(body)
    try:
        salt, nonce, wrapped = (base64.b64decode(str(fields[name])) for name in ("salt", "nonce", "wrapped"))
        n, r, p = (int(str(fields[name])) for name in ("n", "r", "p"))
        if not (n > 1 and r > 0 and 0 < p <= 16 and 128 * n * r <= ambient.limits.scrypt_memory):
            raise Damaged(f"a key record asks for scrypt with n={n}, r={r}, p={p}; that cannot be ours")
        return AESGCM(_stretch(passphrase, salt, n, r, p)).decrypt(nonce, wrapped, WRAPPING)
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
    if version != FORMAT:
        raise Invalid(f"the repository has format {version!r:.20}, this Snapline knows {FORMAT}; use a newer one")
    return dict(fields)


def _unreadable() -> Damaged:
    return Damaged("a key record cannot be read; put the objects below repository/keys/ back", code=Code.KEYS_LOST)


def _stretch(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())
