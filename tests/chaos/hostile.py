"""Messages that nobody may heed: each is parked, and its queue goes on."""

import json

GOOD = {"specversion": "1.0", "id": "x", "source": "chaos", "type": "backup.requested.v1", "data": {}}


def _with(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


HOSTILE: tuple[bytes, ...] = (
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    json.dumps({"queue_name": "license.gate", "actor_name": "handle", "args": [], "kwargs": {}}).encode(),
    _with(type="backup.wished.v1"),
    _with(type="backup.requested.v9"),
    _with(data={"app": 7}),
    _with(data={"ap": "shop-floor"}),
    _with(id="a\r\nX-Evil: 1"),
    _with(data={"app": "\x1b[2J"}),
    _with(data={"app": "x" * 1_000_000}),
)
"""None of them is good in any queue."""
