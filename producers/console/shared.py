"""What all requests of one application share, made when first asked for."""

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from starlette.requests import Request

from producers.console.needs import Needs, needs_of

T = TypeVar("T")
_LOCK = threading.Lock()


def shared(request: Request, make: Callable[[Needs], T]) -> T:
    """What `make` has made of the application's needs: once, whoever asks."""
    state = request.app.state
    with _LOCK:
        if not hasattr(state, "shared"):
            state.shared = {}
        known: dict[object, object] = state.shared
        if make not in known:
            known[make] = make(needs_of(request))
        return cast(T, known[make])
