"""A token for systems that speak only HTTP: what it may ask for, and how it is kept: as a Secret in the console's
namespace, which holds its hash alone."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import events as e
from schemas.errors import Invalid

LABEL = "snapline.dev/event-token"
"""Marks the Secret of a token; the value is its name."""
NAME_PREFIX = "snapline-event-token-"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]


class EventToken(BaseModel):
    """Who has the token whose SHA-256 is `digest` may ask for `types`. Its `name` becomes part of the source of what it
    asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    types: list[str]
    digest: Sha256


def digest_of(token: str) -> str:
    """What is kept of a token. It is long and random, so that a plain hash tells nothing about it."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(name: str, types: list[str], token: str) -> EventToken:
    """Raises Invalid for a bad name, or a type that is no request."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r:.80} is no name for a token: use a-z, 0-9 and -, 40 at most", subject=name)
    for type_ in types:
        if type_ not in e.REQUESTS:
            known = ", ".join(sorted(e.REQUESTS))
            raise Invalid(f"{type_!r:.80} is nothing that can be asked for; there are {known}", subject=type_)
    return EventToken(name=name, types=sorted(set(types)), digest=digest_of(token))


def to_secret(token: EventToken, console_namespace: str) -> dict[str, Any]:
    """The Secret that keeps it."""
    data = {"types": ",".join(token.types), "sha256": token.digest}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": NAME_PREFIX + token.name,
            "namespace": console_namespace,
            "labels": {LABEL: token.name},
        },
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()},
    }


def from_secret(secret: Mapping[str, Any]) -> EventToken:
    """The inverse. Raises Invalid, without any of its data."""
    metadata = secret.get("metadata") or {}
    where = f"the Secret {str(metadata.get('name'))!r:.300}"
    try:
        data = secret.get("data") or {}
        fields = {key: base64.b64decode(text, validate=True).decode() for key, text in data.items()}
        types = [name for name in fields["types"].split(",") if name]
        read = EventToken(name=(metadata.get("labels") or {})[LABEL], types=types, digest=fields["sha256"])
    except (KeyError, ValueError, ValidationError, AttributeError, TypeError):
        raise Invalid(f"{where} keeps no token that can be read; delete it, and make the token anew") from None
    if not _NAME.fullmatch(read.name) or not e.REQUESTS.issuperset(read.types):
        raise Invalid(f"{where} keeps no token that can be read; delete it, and make the token anew")
    return read
