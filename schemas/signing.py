"""How a request is signed that crosses a trust border: where RabbitMQ's `user_id` says only who has carried it.

The AMQP header `snapline-signature` is `keyid=<id>;created=<unix seconds>;audience=<name>;ed25519=<base64>`. The
signature is Ed25519's (RFC 8032) over the bytes of

    snapline-signature-v1 LF <id> LF <unix seconds> LF <audience> LF <the message's body>

The body has the type, the id and the source of the request, so nothing of it can be given to another one. The audience
names the Snapline that is asked, so that a request to one is none to another.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from schemas.errors import Invalid, MalformedEvent

HEADER = "snapline-signature"
SIGNER = "key:"
"""What the name of a sender begins with who is known by a key."""
AHEAD = 60
"""Seconds that the signer's clock may be ahead of ours."""
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_ID = re.compile(_NAME, re.ASCII)
_SIGNATURE = re.compile(
    rf"keyid=({_NAME});created=([0-9]{{1,12}});audience=((?:{_NAME})?);ed25519=([A-Za-z0-9+/]{{86}}==)", re.ASCII
)


@dataclass(frozen=True)
class Signed:
    """What such a header says."""

    key_id: str
    created: int  # unix seconds
    audience: str
    signature: bytes


def sign(key: Ed25519PrivateKey, key_id: str, body: bytes, *, created: int, audience: str = "") -> str:
    """The header's value. `created` is in unix seconds. Raises Invalid for an id or an audience that is no name."""
    for name in (key_id, *([audience] if audience else [])):
        if not _ID.fullmatch(name):
            raise Invalid(
                f"{name!r:.80} is no name here: use letters, digits, '.', '_' and '-', 63 at most", subject=name
            )
    signature = base64.b64encode(key.sign(_signed_bytes(key_id, created, audience, body))).decode()
    return f"keyid={key_id};created={created};audience={audience};ed25519={signature}"


def parse(header: object) -> Signed:
    """What the header says, not yet verified. Raises MalformedEvent."""
    found = _SIGNATURE.fullmatch(header) if isinstance(header, str) else None
    if found is None:
        raise MalformedEvent(f"the header {HEADER} is not keyid=…;created=…;audience=…;ed25519=…")
    return Signed(found[1], int(found[2]), found[3], base64.b64decode(found[4]))


def verify(
    header: object, body: bytes, keys: Mapping[str, Ed25519PublicKey], *, now: float, fresh: float, audience: str = ""
) -> str:
    """The id of the key that has signed `body` for `audience`, not more than `fresh` seconds before `now` (unix
    seconds). Raises MalformedEvent, with the reason."""
    said = parse(header)
    key = keys.get(said.key_id)
    if key is None:
        raise MalformedEvent(f"it is signed by the key {said.key_id!r}, which is not trusted here")
    try:
        key.verify(said.signature, _signed_bytes(said.key_id, said.created, said.audience, body))
    except InvalidSignature:
        raise MalformedEvent(f"its signature is not one of the key {said.key_id!r} over this body") from None
    if said.audience != audience:
        raise MalformedEvent(f"it is signed for {said.audience or 'nobody by name'!r}, and this is {audience!r}")
    if not -AHEAD <= now - said.created <= fresh:
        age = round(now - said.created)
        raise MalformedEvent(f"it was signed {age} seconds ago, and counts for {fresh:g} seconds; ask anew")
    return said.key_id


def load_public(key_id: str, pem: bytes) -> Ed25519PublicKey:
    """One trusted key. Raises Invalid."""
    if not _ID.fullmatch(key_id):
        raise Invalid(f"{key_id!r:.80} is no name for a key: use letters, digits, '.', '_' and '-'", subject=key_id)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid(f"the key {key_id!r} is not the PEM of an Ed25519 public key", subject=key_id)
    return key


def load_private(pem: bytes) -> Ed25519PrivateKey:
    """The key of who signs. Raises Invalid, without any of it."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid(
            "that is not the PEM of an Ed25519 private key without a password; "
            "`openssl genpkey -algorithm ed25519` makes one"
        )
    return key


def _signed_bytes(key_id: str, created: int, audience: str, body: bytes) -> bytes:
    return b"\n".join([b"snapline-signature-v1", key_id.encode(), str(created).encode(), audience.encode(), body])
