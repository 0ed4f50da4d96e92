"""How notifications are signed, for those who send and those who receive them.

Snapline-Timestamp: unix seconds
Snapline-Signature: v1=<hex HMAC-SHA256 of "<timestamp>.<body>">
"""

import hashlib
import hmac

EVENT_ID = "Snapline-Event-Id"
TIMESTAMP = "Snapline-Timestamp"
SIGNATURE = "Snapline-Signature"
FRESH = 300
"""Seconds for which a signature is believed."""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def verify(secret: str, timestamp: int, body: bytes, signature: str, now: float) -> bool:
    """Whether `body` is genuine and fresh."""
    return abs(now - timestamp) <= FRESH and hmac.compare_digest(sign(secret, timestamp, body), signature)
