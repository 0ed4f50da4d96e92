"""The signature inside a kots.io License: who signed what, from a trusted global key down to each entitlement.

The chain: a global key signs the PEM text of an application key; the application
key signs the license data, and the text of each entitlement's value. RSA-PSS with MD5 (v1beta1) or
SHA-256 (v1beta2), for the digest and for MGF1.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from schemas.errors import Code, Invalid

Fault = Literal["malformed", "unknown_key", "bad_signature"]


class LicenseInvalid(Invalid):
    """A license that cannot be relied on; `fault` says in which way."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason, code=Code.LICENSE_REFUSED)
        self.fault = fault


@dataclass(frozen=True, repr=False)
class SignatureBlock:
    """What `spec.signature` holds, decoded and not yet verified."""

    license_data: bytes
    """JSON of the whole License; exactly the signed bytes."""
    signature: bytes
    public_key: str
    """The application key, PEM."""
    key_signature: bytes
    key_id: str
    """Of the global key."""
    hash: HashAlgorithm


def decode(signature: str) -> SignatureBlock:
    """Takes `spec.signature` apart. SHA-256 signatures are used where there are any. Raises LicenseInvalid."""
    outer = json_object(base64_bytes(signature, "spec.signature"), "spec.signature")
    inner = json_object(_bytes(outer, "innerSignature"), "innerSignature")
    is_v2 = "v2LicenseSignature" in inner
    signed_by, key_signed_by = (
        ("v2LicenseSignature", "v2KeySignature") if is_v2 else ("licenseSignature", "keySignature")
    )
    key_signature = json_object(_bytes(inner, key_signed_by), key_signed_by)
    return SignatureBlock(
        license_data=_bytes(outer, "licenseData"),
        signature=_bytes(inner, signed_by),
        public_key=_text(inner, "publicKey"),
        key_signature=_bytes(key_signature, "signature"),
        key_id=_text(key_signature, "globalKeyId"),
        hash=SHA256() if is_v2 else MD5(),  # noqa: S303  the v1beta1 format has no other
    )


def verify_chain(block: SignatureBlock, trusted: Mapping[str, bytes]) -> rsa.RSAPublicKey:
    """The application key, once the global key vouches for it and it for the license data. Raises LicenseInvalid."""
    global_key = _trusted_key(block.key_id, trusted)
    check(global_key, block.key_signature, block.public_key.encode(), block.hash, "the application's key")
    app_key = _rsa_key(block.public_key.encode())
    if app_key is None:
        raise LicenseInvalid("bad_signature", "the application's key in the license is not an RSA public key")
    check(app_key, block.signature, block.license_data, block.hash, "the license data")
    return app_key


def check(key: rsa.RSAPublicKey, signature: bytes, message: bytes, hash_: HashAlgorithm, what: str) -> None:
    """Raises LicenseInvalid unless `signature` is `key`'s over `message`, with any salt length."""
    pss = padding.PSS(padding.MGF1(hash_), padding.PSS.AUTO)
    try:
        key.verify(signature, message, pss, hash_)
    except (InvalidSignature, ValueError):
        raise LicenseInvalid("bad_signature", f"the signature of {what} does not match") from None
    except UnsupportedAlgorithm:
        reason = f"this host does not allow {hash_.name}, which signs {what}; ask the vendor for a v1beta2 license"
        raise LicenseInvalid("bad_signature", reason) from None


def check_entitlement(key: rsa.RSAPublicKey, name: str, value: object, signatures: Mapping[str, str]) -> None:
    """Verifies each signature (`v1`: MD5, `v2`: SHA-256) over the value's text. Raises LicenseInvalid."""
    what = f"the entitlement {name!r:.80}"
    known: dict[str, HashAlgorithm] = {"v1": MD5(), "v2": SHA256()}  # noqa: S303  the v1beta1 format has no other
    for version, hash_ in known.items():
        if signature := signatures.get(version):
            check(key, base64_bytes(signature, what), value_text(value).encode(), hash_, what)


def value_text(value: object) -> str:
    """A value as Go prints it, for that is what is signed: `true`, `1232435` (also for 1.232435e+06)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def is_public_key(pem: bytes) -> bool:
    """Whether these bytes are an RSA public key in PEM."""
    return _rsa_key(pem) is not None


def json_object(data: bytes, what: str, fault: Fault = "bad_signature") -> dict[str, Any]:
    """The JSON object in `data`. Raises LicenseInvalid, without the data."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise LicenseInvalid(fault, f"{what} in the license is not JSON") from None
    if not isinstance(value, dict):
        raise LicenseInvalid(fault, f"{what} in the license is not a JSON object")
    return value


def base64_bytes(text: str, what: str) -> bytes:
    """Standard base64, line breaks allowed. Raises LicenseInvalid, without the text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise LicenseInvalid("bad_signature", f"{what} in the license is not base64") from None


def _trusted_key(key_id: str, trusted: Mapping[str, bytes]) -> rsa.RSAPublicKey:
    if key_id not in trusted:
        known = ", ".join(sorted(trusted)) or "none"
        reason = (
            f"the license is signed with the global key {key_id!r:.80}, which is not trusted here (trusted: {known})"
        )
        raise LicenseInvalid("unknown_key", reason)
    key = _rsa_key(trusted[key_id])
    if key is None:
        raise LicenseInvalid(
            "unknown_key", f"the trusted key {key_id!r:.80} is not an RSA public key in PEM; replace it"
        )
    return key


def _rsa_key(pem: bytes) -> rsa.RSAPublicKey | None:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _text(holder: dict[str, Any], field: str) -> str:
    value = holder.get(field)
    if value is None or value == "":
        raise LicenseInvalid("bad_signature", f"the license's signature has no {field}")
    if not isinstance(value, str) or not value.isascii():
        raise LicenseInvalid("bad_signature", f"{field} in the license's signature is not ASCII text")
    return value


def _bytes(holder: dict[str, Any], field: str) -> bytes:
    return base64_bytes(_text(holder, field), field)
