"""A request that is made again when it fails for a passing reason: for SDKs that do not tell how often they asked."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

RESTS = (0.2, 0.8, 3.2)
"""At most so many seconds between one request and the next; there is one more request than rests."""


def ask(request: Callable[[], T], passes: Callable[[Exception], bool]) -> T:
    """What the request returns. Raises what the last one has raised, and at once what does not pass."""
    for rest in RESTS:
        try:
            return request()
        except Exception as error:
            if not passes(error):
                raise
        time.sleep(rest * random.random())  # noqa: S311  # so that not all ask again at the same moment
    return request()
