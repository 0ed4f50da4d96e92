"""The YAML text of a license: read without trusting it, and compared with what was signed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from schemas.license.signature import LicenseInvalid, value_text

API_VERSIONS = ("kots.io/v1beta1", "kots.io/v1beta2")
MAX_TEXT = 256 * 1024
"""Longest license that is read, in characters; real ones have some 10,000."""
MAX_DEPTH = 20
MAX_NOTES = 20

KOTS_FIELDS = frozenset(
    {
        "appSlug",
        "endpoint",
        "replicatedProxyDomain",
        "customerID",
        "customerName",
        "customerEmail",
        "channelID",
        "channelName",
        "channels",
        "licenseSequence",
        "licenseID",
        "licenseType",
        "isAirgapSupported",
        "isGitOpsSupported",
        "isIdentityServiceSupported",
        "isGeoaxisSupported",
        "isSnapshotSupported",
        "isDisasterRecoverySupported",
        "isSupportBundleUploadSupported",
        "isSemverRequired",
        "isEmbeddedClusterDownloadEnabled",
        "isEmbeddedClusterMultiNodeEnabled",
        "isEmbeddedClusterRookEnabled",
        "entitlements",
    }
)
"""The fields of a license's spec that KOTS's own types have (https://github.com/replicatedhq/kotskinds)."""

# Loads every scalar as text, so that no date, number or tag in hostile YAML is ever interpreted.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class License:
    """A license as it is written, not verified: nothing in it may be relied on."""

    api_version: str
    spec: Mapping[str, Any]  # text, lists and mappings of text
    signature: str

    def __repr__(self) -> str:
        return f"License({self.api_version!r}, not verified)"


def read_license(text: str) -> License:
    """A license as written. Raises LicenseInvalid for anything that is not a signed kots.io License."""
    document = _load_yaml(text)
    if not isinstance(document, dict):
        raise LicenseInvalid("malformed", "it is not a YAML mapping")
    api_version = api_version_of(document, "it")
    spec = document.get("spec")
    if not isinstance(spec, dict):
        raise LicenseInvalid("malformed", "its spec is missing or not a mapping")
    signature = spec.get("signature") or ""
    if not isinstance(signature, str):
        raise LicenseInvalid("malformed", "its spec.signature is not text")
    if not signature:
        raise LicenseInvalid("bad_signature", "it is not signed: spec.signature is missing")
    return License(api_version, spec, signature)


def _load_yaml(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise LicenseInvalid("malformed", f"it is longer than {MAX_TEXT} characters")
    try:
        _refuse_bombs(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a base loader makes text, lists and mappings only
    except (yaml.YAMLError, ValueError):
        raise LicenseInvalid("malformed", "it is not YAML") from None


def _refuse_bombs(text: str) -> None:
    """Aliases make a short text large, and nesting exhausts the loader's stack; a license has neither."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise LicenseInvalid("malformed", "it uses YAML aliases, which no license does")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise LicenseInvalid("malformed", f"it is nested deeper than {MAX_DEPTH} levels")


def api_version_of(document: Mapping[str, Any], what: str) -> str:
    """`kots.io/v1beta1` or `kots.io/v1beta2`. Raises LicenseInvalid for any other kind of document."""
    api_version, kind = document.get("apiVersion"), document.get("kind")
    if kind != "License" or api_version not in API_VERSIONS:
        raise LicenseInvalid("malformed", f"{what} is not a License of {' or '.join(API_VERSIONS)}")
    return str(api_version)


def differences(license_: License, signed: Mapping[str, Any]) -> tuple[str, ...]:
    """Which fields of the YAML differ from the signed document, in words, without their values.

    A field of the spec that the YAML leaves out is noted only if KOTS knows it: KOTS writes licenses
    without the others.
    """
    spec = {key: value for key, value in signed["spec"].items() if key in license_.spec or key in KOTS_FIELDS}
    outer = {"apiVersion": license_.api_version, "spec": license_.spec}
    inner = {"apiVersion": signed["apiVersion"], "spec": spec}
    paths = sorted(set(_differences(outer, inner, "")))
    notes = [f"{path!s:.120} differs from the signed license; the signed value is used" for path in paths[:MAX_NOTES]]
    if len(paths) > MAX_NOTES:
        notes.append(f"{len(paths) - MAX_NOTES} more fields differ from the signed license")
    return tuple(notes)


def _differences(outer: Any, inner: Any, path: str) -> Iterator[str]:
    """Paths at which the YAML (all text) says something else than the signed data."""
    if isinstance(outer, dict) and isinstance(inner, dict):
        # Signatures are no data, and some writers leave them out of the signed part.
        for key in (outer.keys() | inner.keys()) - {"signature"}:
            yield from _differences(outer.get(key), inner.get(key), f"{path}.{_printable(key)}".lstrip("."))
    elif isinstance(outer, list) and isinstance(inner, list) and len(outer) == len(inner):
        for index, (one, other) in enumerate(zip(outer, inner, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif not _same(outer, inner):
        yield path


def _printable(key: str) -> str:
    return key[:64] if key.isprintable() else repr(key[:64])


def _same(written: Any, signed: Any) -> bool:
    if signed in (None, "", [], {}):
        return written in (None, "", [], {}, "false", "0", "null", "~")
    if isinstance(signed, bool):
        return str(written or "false").lower() == value_text(signed)
    if isinstance(signed, int | float):
        return _number(written or "0") == signed
    return bool(written == signed)


def _number(written: Any) -> float | None:
    try:
        return float(written)
    except (TypeError, ValueError):
        return None
