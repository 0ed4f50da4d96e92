"""Names as label values: Velero's rule for those that are too long."""

import hashlib

LONGEST = 63
"""Longest label value, in characters."""
DIGEST = 6


def label_value(name: str) -> str:
    """`name`, or its beginning and six digits of its SHA-256 (velero pkg/label/label.go, GetValidName)."""
    if len(name) <= LONGEST:
        return name
    return name[: LONGEST - DIGEST] + hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
