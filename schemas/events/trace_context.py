"""Where in a trace an event was sent, as CloudEvents' distributed tracing extension carries it.

https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md
https://www.w3.org/TR/trace-context/

Anybody may write these attributes, and nothing depends on them: what is not well formed is dropped, and never makes an
event malformed.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version 00: the ids of a trace and of a span, neither of them zero, and flags."""
MOST_STATE = 512
"""Characters of a `tracestate`: what everybody has to carry on."""
STATE = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x21-\x2b\x2d-\x3c\x3e-\x7e][\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}")
"""One member of the list."""
MOST_MEMBERS = 32


def parent(value: Any) -> str | None:
    """A well-formed `traceparent`, else None."""
    return value if isinstance(value, str) and PARENT.fullmatch(value) else None


def state(value: Any) -> str | None:
    """A well-formed `tracestate`, else None."""
    if not isinstance(value, str) or not value or len(value) > MOST_STATE:
        return None
    members = [member.strip() for member in value.split(",")]
    if len(members) > MOST_MEMBERS or not all(STATE.fullmatch(member) for member in members):
        return None
    return value


TraceParent = Annotated[Annotated[str, Field(max_length=55)] | None, BeforeValidator(parent)]
TraceState = Annotated[Annotated[str, Field(max_length=MOST_STATE)] | None, BeforeValidator(state)]
