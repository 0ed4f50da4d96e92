"""How notifications are signed, for those who send and those who receive them.

Snapline-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<unix seconds>.<body>">

A receiver checks this with `verify` before it looks at the body, and remembers the `id` of the events in it: what it
knows already it has been told again. What is older than `FRESH` is refused, however well it is signed.
"""

import hashlib
import hmac
import re

EVENT_ID = "Snapline-Event-Id"
SIGNATURE = "Snapline-Signature"
FRESH = 300
"""Seconds for which a signature is believed."""
_SIGNATURE = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,4})", re.ASCII)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header."""
    return f"t={timestamp},v1={_digest(secret, timestamp, body)}"


def verify(secret: str, body: bytes, signature: str, now: float) -> bool:
    """Whether `body` is genuine and fresh; `signature` is the header's value, `now` unix seconds. While the sender
    changes its key, a header may have several `v1`, of which one has to fit."""
    found = _SIGNATURE.fullmatch(signature)
    if not secret or found is None or abs(now - int(found[1])) > FRESH:
        return False
    expected = _digest(secret, int(found[1]), body)
    given = [part.removeprefix("v1=") for part in found[2].split(",")[1:]]
    return any(hmac.compare_digest(expected, each) for each in given)


def _digest(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
