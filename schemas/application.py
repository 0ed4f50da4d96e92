"""A registered application, and the Secret that registers it in the console's namespace."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.errors import Invalid

LABEL = "snapline.dev/application"
"""Marks the Secret of an application; the value is its slug."""
NAME_PREFIX = "snapline-application-"
SNAPSHOT_LABELS = {"kots.io/kotsadm": "true", "kots.io/backup": "velero"}
"""Make the registration itself part of a full snapshot."""

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Application(BaseModel):
    """One application that the console manages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str
    name: str
    version: str = ""
    sequence: int = Field(default=0, ge=0)
    namespaces: list[str] = []
    license: str | None = Field(default=None, repr=False)
    """The kots.io License, YAML text as the vendor issued it."""
    backup: str | None = Field(default=None, repr=False)
    """The velero.io Backup resource that the vendor ships, YAML text."""

    @field_validator("slug")
    @classmethod
    def _slug_is_a_dns_label(cls, slug: str) -> str:
        return _dns_label(slug, "an application's slug")

    @field_validator("namespaces")
    @classmethod
    def _namespaces_are_dns_labels(cls, namespaces: list[str]) -> list[str]:
        return [_dns_label(name, "an application's namespace") for name in namespaces]


def to_secret(app: Application, console_namespace: str) -> dict[str, Any]:
    """The Secret that registers `app`. Texts that are None have no key."""
    fields = {
        "name": app.name,
        "version": app.version,
        "sequence": str(app.sequence),
        "namespaces": ",".join(app.namespaces),
        "license": app.license,
        "backup": app.backup,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": secret_name(app.slug),
            "namespace": console_namespace,
            "labels": {LABEL: app.slug, **SNAPSHOT_LABELS},
        },
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in fields.items() if text is not None},
    }


def from_secret(secret: Mapping[str, Any]) -> Application:
    """The application that a Secret registers; the label says which. Raises Invalid, without any of its data."""
    metadata = _mapping(secret, "metadata")
    slug = _dns_label(_mapping(metadata, "labels").get(LABEL), f"the label {LABEL} of an application's Secret")
    where = f"the Secret {str(metadata.get('name') or secret_name(slug))!r:.300}"
    fields = _texts(secret, where)
    return Application(
        slug=slug,
        name=fields.get("name") or slug,
        version=fields.get("version", ""),
        sequence=_sequence(fields.get("sequence") or "0", where),
        namespaces=re.split(r"[\s,]+", names) if (names := fields.get("namespaces", "").strip(" \t\r\n,")) else [],
        license=fields.get("license"),
        backup=fields.get("backup"),
    )


def digest(app: Application) -> str:
    """What a registration says, license and Backup included, as a SHA-256 in hex."""
    return hashlib.sha256(app.model_dump_json().encode()).hexdigest()


def secret_name(slug: str) -> str:
    """The name of the Secret that registers an application."""
    return f"{NAME_PREFIX}{slug}"


def _texts(secret: Mapping[str, Any], where: str) -> dict[str, str]:
    # A Secret that was applied to a twin of the API server may still carry `stringData`, which wins there too.
    decoded = {key: _decoded(value, f"{where}, data.{key}") for key, value in _mapping(secret, "data").items()}
    plain = {key: str(value) for key, value in _mapping(secret, "stringData").items()}
    return decoded | plain


def _decoded(value: Any, where: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (ValueError, TypeError):
        raise Invalid(f"{where} is not base64 of UTF-8 text; write it again") from None


def _sequence(text: str, where: str) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,18}\s*", text):
        raise Invalid(f"{where}, data.sequence is not a whole number; write the application's release sequence")
    return int(text)


def _dns_label(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _DNS_LABEL.fullmatch(value):
        raise Invalid(f"{what} is {value!r:.80}; it must be a DNS label: a-z, 0-9 and '-', at most 63 characters")
    return value


def _mapping(holder: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = holder.get(field)
    if not isinstance(value, Mapping):
        if value is None:
            return {}
        raise Invalid(f"{field} of an application's Secret is not a mapping")
    return value
