"""What all requests of one application share, made when first asked for."""

import threading
from collections.abc import Callable
from typing import TypeVar, cast

from starlette.applications import Starlette
from starlette.requests import Request

from producers.console.needs import Needs

T = TypeVar("T")
_LOCK = threading.Lock()


def shared(request: Request, make: Callable[[Needs], T]) -> T:
    """What `make` has made of the application's needs: once, whoever asks."""
    return of_application(request.app, make)


def of_application(app: Starlette, make: Callable[[Needs], T]) -> T:
    """As `shared`, before anybody has asked."""
    with _LOCK:
        if not hasattr(app.state, "shared"):
            app.state.shared = {}
        known: dict[object, object] = app.state.shared
        if make not in known:
            known[make] = make(app.state.needs)
        return cast(T, known[make])
