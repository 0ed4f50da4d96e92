"""A license authority of our own: signs licenses exactly as a vendor's does, with keys nobody else trusts.

Needs `cryptography` and `yaml` only, so that the demo may use it as well as the tests.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

V1, V2 = "kots.io/v1beta1", "kots.io/v1beta2"
KEY_BITS = 2048


@dataclass(frozen=True)
class Authority:
    """A global key, and the application key that it vouches for."""

    key_id: str
    global_key: rsa.RSAPrivateKey
    app_key: rsa.RSAPrivateKey

    @property
    def trusted(self) -> dict[str, bytes]:
        """Global key id -> PEM: what a verifier must trust."""
        return {self.key_id: public_pem(self.global_key)}

    @property
    def trusted_files(self) -> dict[str, bytes]:
        """The same as files: `key-<id>.pem`."""
        return {f"key-{self.key_id}.pem": public_pem(self.global_key)}


def create_authority(key_id: str = "snapline-test-authority") -> Authority:
    """A new authority. Takes a second or so: it draws two RSA keys."""
    return Authority(key_id, *(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS) for _ in range(2)))


def license_document(
    *,
    api_version: str = V1,
    app_slug: str = "sample-app",
    customer: str = "Test Customer",
    allow_snapshots: bool = True,
    expires_at: str | None = None,
    license_id: str = "2AbCdEfGhIjKlMnOpQrStUvWxYz",
    entitlements: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A License, not yet signed. `entitlements` are name -> value; `spec` holds further or other fields."""
    values = dict(entitlements or {})
    if expires_at is not None:
        values["expires_at"] = expires_at
    fields: dict[str, Any] = {
        "licenseID": license_id,
        "licenseType": "prod",
        "customerName": customer,
        "appSlug": app_slug,
        "channelID": "1",
        "channelName": "Stable",
        "licenseSequence": 1,
        "endpoint": "https://replicated.example",
        "entitlements": {name: _entitlement(name, value) for name, value in values.items()},
        "isAirgapSupported": True,
    }
    if allow_snapshots:
        fields["isSnapshotSupported"] = True
    metadata = {"name": "".join(c for c in customer.lower() if c.isascii() and c.isalnum()) or "customer"}
    return {"apiVersion": api_version, "kind": "License", "metadata": metadata, "spec": {**fields, **(spec or {})}}


def sign_license(
    authority: Authority,
    *,
    outer: Mapping[str, Any] | None = None,
    sign_entitlements: bool = True,
    **options: Any,
) -> str:
    """The YAML of a signed license; `options` are those of `license_document`.

    `outer` changes fields of the YAML's spec after signing, as somebody who edits the file would.
    """
    return sign_document(authority, license_document(**options), outer=outer, sign_entitlements=sign_entitlements)


def sign_document(
    authority: Authority,
    document: Mapping[str, Any],
    *,
    outer: Mapping[str, Any] | None = None,
    sign_entitlements: bool = True,
) -> str:
    """The YAML of any License document, signed as its apiVersion asks."""
    signed = json.loads(json.dumps(document))
    if sign_entitlements:
        _sign_entitlements(authority, signed)
    data = json.dumps(signed, separators=(",", ":")).encode()
    spec = {**signed["spec"], "signature": signature_of(authority, data, signed["apiVersion"]), **(outer or {})}
    return str(yaml.safe_dump({**signed, "spec": spec}, width=2**31))


def signature_of(authority: Authority, data: bytes, api_version: str) -> str:
    """`spec.signature` over `data`, the JSON of a License."""
    hash_ = hash_of(api_version)
    prefix = "v2" if api_version == V2 else ""
    app_pem = public_pem(authority.app_key).decode()
    key_signature = {"signature": sign(authority.global_key, app_pem.encode(), hash_), "globalKeyId": authority.key_id}
    inner = {
        "v2LicenseSignature" if prefix else "licenseSignature": sign(authority.app_key, data, hash_),
        "publicKey": app_pem,
        "v2KeySignature" if prefix else "keySignature": base64_json(key_signature),
    }
    outer = {"licenseData": _base64(data), "innerSignature": base64_json(inner)}
    return base64_json(outer)


def edited(text: str, **spec: Any) -> str:
    """The license with fields of its YAML changed, as with an editor."""
    document = yaml.safe_load(text)
    document["spec"].update(spec)
    return str(yaml.safe_dump(document, width=2**31))


def with_signature_parts(text: str, **changes: Any) -> str:
    """The license with parts of what `spec.signature` holds replaced."""
    block = json.loads(base64.b64decode(yaml.safe_load(text)["spec"]["signature"]))
    inner = json.loads(base64.b64decode(block["innerSignature"]))
    for field, value in changes.items():
        (block if field in block else inner)[field] = value
    block["innerSignature"] = base64_json(inner) if "innerSignature" not in changes else changes["innerSignature"]
    return edited(text, signature=base64_json(block))


def base64_json(value: Any) -> str:
    """JSON in base64, as the parts of a signature are nested."""
    return _base64(json.dumps(value).encode())


def hash_of(api_version: str) -> HashAlgorithm:
    """MD5 for v1beta1, SHA-256 for v1beta2."""
    return SHA256() if api_version == V2 else MD5()  # noqa: S303  # what such licenses are signed with


def sign(key: rsa.RSAPrivateKey, message: bytes, hash_: HashAlgorithm) -> str:
    """RSA-PSS in base64, with the longest salt, as Go's default is."""
    return _base64(key.sign(message, padding.PSS(padding.MGF1(hash_), padding.PSS.MAX_LENGTH), hash_))


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The public half, as the PEM text that is signed."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _sign_entitlements(authority: Authority, document: dict[str, Any]) -> None:
    version = "v2" if document["apiVersion"] == V2 else "v1"
    for field in document["spec"]["entitlements"].values():
        text = json.dumps(field["value"]) if isinstance(field["value"], bool) else str(field["value"])
        signature = sign(authority.app_key, text.encode(), hash_of(document["apiVersion"]))
        field.setdefault("signature", {version: signature})


def _entitlement(name: str, value: Any) -> dict[str, Any]:
    kind = {bool: "Boolean", int: "Integer", float: "Integer"}.get(type(value), "String")
    return {"title": name, "value": value, "valueType": kind}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
