"""The Secret that keeps a destination: each field under its name, or where the value is that is not kept there."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from schemas import secret_references
from schemas.destination.models import Destination, is_name, parse
from schemas.errors import Code, Invalid

LABEL = "snapline.dev/destination"
"""Label of the Secrets; its value is the destination's name."""
_SECRET_PREFIX = "snapline-destination-"  # noqa: S105  # a name
_FROM = ".from"
"""What the name of a field ends with in a Secret, where its value is a reference."""


def secret_name(name: str) -> str:
    """What the destination's Secret is called."""
    return _SECRET_PREFIX + name


def name_in(secret: Mapping[str, Any]) -> str | None:
    """The name of the destination that a Secret keeps; None for a Secret that is called otherwise."""
    called = str(secret.get("metadata", {}).get("name", ""))
    name = called.removeprefix(_SECRET_PREFIX)
    return name if name != called and is_name(name) else None


def to_secret(destination: Destination, console_namespace: str) -> dict[str, Any]:
    """The Secret that keeps it: each field under its name."""
    elsewhere = {f"{field}{_FROM}": text for field, text in destination.references.items()}
    kept = type(destination).model_fields.keys() - {"name", "references"} - destination.references.keys()
    plain = {name: str(_plain(getattr(destination, name))) for name in sorted(kept)} | elsewhere
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": secret_name(destination.name),
            "namespace": console_namespace,
            "labels": {LABEL: destination.name},
        },
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in plain.items()},
    }


def from_secret(secret: Mapping[str, Any]) -> Destination:
    """The destination that a Secret keeps, named as the Secret says. Raises Invalid, without any of its data."""
    called = str(secret.get("metadata", {}).get("name", ""))
    name = called.removeprefix(_SECRET_PREFIX)
    try:
        data = {field: base64.b64decode(value).decode() for field, value in (secret.get("data") or {}).items()}
    except (ValueError, TypeError):
        text = f"the Secret {called} is not base64 of UTF-8"
        raise Invalid(text, code=Code.DESTINATION_INVALID, subject=name) from None
    references = {field.removesuffix(_FROM): text for field, text in data.items() if field.endswith(_FROM)}
    return parse(data | {"name": name, "references": references}, f"the Secret {called}")


def resolved(
    destination: Destination, read_secret: Callable[[str], Mapping[str, Any]], environ: Mapping[str, str]
) -> Destination:
    """The destination with the values that it refers to. Raises Invalid (`SecretMissing`), and as `read_secret`."""
    found: dict[str, Any] = {}
    for field, text in destination.references.items():
        what = f"{field.replace('_', ' ')} of destination {destination.name}"
        value = secret_references.value(secret_references.parse(text), what, read_secret, environ)
        found[field] = SecretStr(value) if isinstance(getattr(destination, field), SecretStr) else value
    return destination.model_copy(update=found) if found else destination


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
