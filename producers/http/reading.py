"""A request from HTTP: a CloudEvent in structured or in binary mode
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md)."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

from producers.http.problems import Problem
from schemas import events as e
from schemas.errors import MalformedEvent

STRUCTURED, BINARY, BATCH = "application/cloudevents+json", "application/json", "application/cloudevents-batch+json"
_PREFIX = "ce-"
_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")


def event_in(headers: Mapping[str, str], body: bytes) -> e.AnyEvent:
    """The event; `headers` have names in small letters. Raises Problem."""
    document = _structured(headers, body)
    try:
        return e.parse(body if document is None else json.dumps(document).encode())
    except MalformedEvent as error:
        raise Problem(400, str(error)) from error


def _structured(headers: Mapping[str, str], body: bytes) -> dict[str, object] | None:
    """The event in structured mode, if it came in binary mode."""
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"') or "utf-8"
    if charset not in ("utf-8", "utf8"):
        raise Problem(415, f"the body is in {charset!r:.40}; send UTF-8")
    match media_type.strip().lower():
        case t if t == STRUCTURED:
            return None
        case t if t == BINARY and f"{_PREFIX}specversion" in headers:
            return {**_attributes(headers), "data": _data(body)}
        case t if t == BINARY:
            return None  # a CloudEvent in structured mode, from who does not know its media type
        case t if t == BATCH:
            raise Problem(415, "send one event at a time; batches are not taken")
        case other:
            raise Problem(415, f"the content type is {other!r:.80}; send {STRUCTURED}, or {BINARY} with ce- headers")


def _attributes(headers: Mapping[str, str]) -> dict[str, object]:
    """Header values are percent-encoded."""
    return {name: unquote(headers[_PREFIX + name]) for name in _ATTRIBUTES if _PREFIX + name in headers}


def _data(body: bytes) -> object:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
