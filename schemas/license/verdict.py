"""The kots.io License (v1beta1, v1beta2) and its verdict: may this customer take snapshots?

Pure: text and trusted keys in, a verdict out. The signed data decides, never the YAML around it; where
the two differ, the verdict notes it. No message holds a signature or a license id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from schemas.errors import Invalid
from schemas.license import signature as signing
from schemas.license.signature import LicenseInvalid
from schemas.license.text import API_VERSIONS, License, api_version_of, differences, read_license

__all__ = [
    "Entitlement",
    "License",
    "LicenseInvalid",
    "Spec",
    "Verdict",
    "VerdictCode",
    "VerifiedLicense",
    "load_trusted_keys",
    "read_license",
    "verdict",
    "verify",
]

VerdictCode = Literal[
    "allowed",
    "no_license",
    "malformed",
    "unknown_key",
    "bad_signature",
    "wrong_application",
    "snapshots_not_licensed",
    "expired",
]

_NEXT_STEP: dict[signing.Fault, str] = {
    "malformed": "Install it again as the vendor issued it.",
    "bad_signature": "Install it again as the vendor issued it.",
    "unknown_key": "If this vendor is to be trusted, add the key's .pem file to the license keys.",
}


class _Signed(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        # The signer is written in Go, where null and a missing field are the same.
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class EntitlementSignature(_Signed):
    """Base64 signatures of an entitlement's value; either may be absent."""

    v1: str | None = None
    v2: str | None = None


class Entitlement(_Signed):
    """A custom license field."""

    title: str = ""
    value: bool | int | float | str | None = None
    value_type: str = ""
    is_hidden: bool = False
    signature: EntitlementSignature | None = None


class Spec(_Signed):
    """The fields of the signed license that matter here; others are tolerated and ignored."""

    app_slug: str
    license_id: str = Field(alias="licenseID", repr=False)
    license_type: str = ""
    license_sequence: int = 0
    customer_name: str = ""
    is_snapshot_supported: bool = False
    entitlements: dict[str, Entitlement] = Field(default={}, repr=False)


@dataclass(frozen=True)
class VerifiedLicense:
    """The signed data of a license whose signatures hold."""

    api_version: str
    spec: Spec
    expires_at: datetime | None  # UTC; None is never
    key_id: str
    notes: tuple[str, ...] = ()
    """Fields of the YAML that differ from the signed data, without their values."""


@dataclass(frozen=True)
class Verdict:
    """Whether snapshots are allowed, and why. `customer` and `app_slug` are signed data, or empty."""

    allowed: bool
    code: VerdictCode
    reason: str
    customer: str = ""
    app_slug: str = ""
    notes: tuple[str, ...] = ()


def load_trusted_keys(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Key id -> PEM, from files named `key-<id>.pem` or `<id>.pem`; other files are ignored. Raises Invalid."""
    keys: dict[str, bytes] = {}
    for name, pem in files.items():
        path = PurePosixPath(name)
        if path.suffix != ".pem":
            continue
        key_id = path.stem.removeprefix("key-")
        if not signing.is_public_key(pem):
            raise Invalid(f"the license key file {path.name!r} is not an RSA public key in PEM; replace or remove it")
        if keys.setdefault(key_id, pem) != pem:
            raise Invalid(f"two license key files hold different keys with the id {key_id!r}; remove one")
    return keys


def verdict(text: str | None, trusted: Mapping[str, bytes], now: datetime, app_slug: str | None = None) -> Verdict:
    """Whether this license allows snapshots at `now`, of the application `app_slug` if given.

    Whatever the text is, the answer is a verdict; it raises RuntimeError only for a `now` without a time zone.
    """
    if now.tzinfo is None:
        raise RuntimeError("the time of a license verdict needs a time zone")
    if text is None or not text.strip():
        return Verdict(False, "no_license", "There is no license; install the one the vendor has issued.")
    try:
        license_ = verify(text, trusted)
    except LicenseInvalid as error:
        return Verdict(False, error.fault, f"The license is not valid: {error}. {_NEXT_STEP[error.fault]}")
    code, reason = _judge(license_, now, app_slug)
    spec = license_.spec
    return Verdict(code == "allowed", code, reason, spec.customer_name, spec.app_slug, license_.notes)


def verify(text: str, trusted: Mapping[str, bytes]) -> VerifiedLicense:
    """The signed data, after every signature was checked against the trusted global keys. Raises LicenseInvalid."""
    license_ = read_license(text)
    block = signing.decode(license_.signature)
    app_key = signing.verify_chain(block, trusted)
    document = signing.json_object(block.license_data, "the signed data", "malformed")
    api_version = api_version_of(document, "the signed data")
    if api_version != API_VERSIONS[0] and not isinstance(block.hash, SHA256):
        raise LicenseInvalid("bad_signature", f"it is a {api_version} license and not signed with SHA-256")
    spec = _signed_spec(document)
    for name, field in spec.entitlements.items():
        signatures = field.signature.model_dump(exclude_none=True) if field.signature else {}
        signing.check_entitlement(app_key, name, field.value, signatures)
    expires_at = _expiry(spec.entitlements.get("expires_at"))
    return VerifiedLicense(api_version, spec, expires_at, block.key_id, differences(license_, document))


def _judge(license_: VerifiedLicense, now: datetime, app_slug: str | None) -> tuple[VerdictCode, str]:
    spec, expires_at = license_.spec, license_.expires_at
    customer = f"{spec.customer_name or 'this customer'!s:.120}"
    if app_slug is not None and spec.app_slug != app_slug:
        return "wrong_application", f"This license is for the application '{spec.app_slug:.120}', not for '{app_slug}'."
    if not spec.is_snapshot_supported:
        reason = f"This license does not allow snapshots (Allow Snapshots is off for {customer})."
        return "snapshots_not_licensed", reason
    if expires_at is not None and expires_at < now:
        reason = f"The license of {customer} expired at {expires_at.isoformat()}; ask the vendor to renew it."
        return "expired", reason
    return "allowed", f"The license of {customer} allows snapshots."


def _signed_spec(document: Mapping[str, Any]) -> Spec:
    try:
        return Spec.model_validate(document.get("spec"))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, e["loc"])) or "spec" for e in error.errors(include_input=False))
        reason = f"fields of the signed data are missing or of the wrong type: {where:.300}"
        raise LicenseInvalid("malformed", reason) from None


def _expiry(field: Entitlement | None) -> datetime | None:
    """RFC 3339 or a date, which means its first instant; without a time zone, UTC. Raises LicenseInvalid."""
    if field is None or field.value is None or field.value == "":
        return None
    try:
        at = datetime.fromisoformat(field.value if isinstance(field.value, str) else "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise LicenseInvalid("malformed", "its entitlement expires_at is neither an RFC 3339 time nor a date") from None
