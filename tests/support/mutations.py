"""Bytes that are almost right: flipped, cut, doubled, spliced."""

import random

from hypothesis import strategies as st


def mutated(original: bytes) -> st.SearchStrategy[bytes]:
    """`original` after one to four changes; now and then something else altogether."""
    changes = st.integers(0, 2**32).map(lambda seed: changed(original, random.Random(seed)))
    return st.one_of(changes, changes, changes, st.binary(max_size=300))


def changed(body: bytes, chance: random.Random) -> bytes:
    """Some changes that `chance` chooses."""
    for _ in range(chance.randint(1, 4)):
        body = _one(body, chance)
    return body


def _one(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    length = min(chance.choice((1, 1, 2, 4, 8, 40, 300)), len(body) - at)
    new = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length), chance.randbytes(length)))
    kind = chance.randrange(8)
    if kind < 4:
        return body[:at] + new + body[at + length :]
    if kind == 4:
        return body[:at]
    if kind == 5:
        return body[:at] + body[at + length :]
    if kind == 6:
        return body[:at] + new + body[at:]
    return body[:at] + body[chance.randrange(len(body) + 1) :]
