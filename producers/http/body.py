"""Reads the body of a request: not more of it than may be, and not for longer."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from producers.http.problems import Problem
from schemas.events import MAX_BODY

PATIENCE = 10.0
"""Seconds that a client may take to send its body."""


async def body(request: Request, most: int = MAX_BODY) -> bytes:
    """Raises Problem for one that is longer than `most` bytes, without reading it, or takes too long to come."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > most:
        raise _too_long(most)
    read = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in request.stream():
                read += piece
                if len(read) > most:
                    raise _too_long(most)
    except TimeoutError as error:
        raise Problem(408, f"the body did not come within {PATIENCE:g} s", {"Connection": "close"}) from error
    except ClientDisconnect as error:
        raise Problem(400, "the body ended early") from error
    return bytes(read)


def _too_long(most: int) -> Problem:
    return Problem(413, f"the body is longer than {most} bytes", {"Connection": "close"})
