"""Who asks: by a token, or signed in to the console with a browser."""

import hmac
from typing import Protocol

from starlette.requests import Request

from producers.access.identity import Identity
from producers.http.problems import Problem

CHALLENGE = 'Bearer realm="snapline"'
SCHEMES = ("bearer", "kots")
"""Of the header `Authorization`; the second is KOTS' own, and a token without any is taken, too."""
FORM_TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105  # a header's name
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(Protocol):
    """Who is who. Every method may block, and raises as the cluster."""

    def identity(self, request: Request) -> Identity | None:
        """Who has the token in `Authorization: Bearer`, or is signed in with a browser; None if nobody."""
        ...

    def form_token(self, request: Request) -> str:
        """What a browser's session has to show with what changes something."""
        ...


def asker(access: Access, request: Request) -> Identity:
    """Raises Problem: 401 for nobody, 403 for a browser that was led here by another site."""
    header = request.headers.get("authorization")
    if header is not None:
        found = access.identity(_with_bearer(request, _token(header)))
        if found is None:
            headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
            raise Problem(401, "this token is not known here", headers, what_to_do="use one that is")
        return found
    signed_in = access.identity(request)
    if signed_in is None:
        text = "nobody is signed in, and there is no token"
        remedy = "send the header `Authorization: Bearer TOKEN`"
        raise Problem(401, text, {"WWW-Authenticate": CHALLENGE}, what_to_do=remedy)
    if request.method not in SAFE:
        _from_our_pages(access, request)
    return signed_in


def _with_bearer(request: Request, token: str) -> Request:
    """The same request, with its token as it is usually shown."""
    others = [(name, value) for name, value in request.scope["headers"] if name != b"authorization"]
    headers = [*others, (b"authorization", b"Bearer " + token.encode("latin-1", "replace"))]
    return Request({**request.scope, "headers": headers})


def _token(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    if not rest:
        return scheme
    if scheme.lower() not in SCHEMES or not rest.strip():
        raise Problem(
            401,
            "the header `Authorization` is of another kind than `Bearer TOKEN`",
            {"WWW-Authenticate": CHALLENGE},
            what_to_do="send the header `Authorization: Bearer TOKEN`",
        )
    return rest.strip()


def _from_our_pages(access: Access, request: Request) -> None:
    shown, expected = request.headers.get(FORM_TOKEN_HEADER, ""), access.form_token(request)
    if not expected or not hmac.compare_digest(shown.encode(), expected.encode()):
        text = f"a browser's session needs the header {FORM_TOKEN_HEADER} for what changes something"
        raise Problem(403, text, what_to_do=f"send {FORM_TOKEN_HEADER} as the page has it, or use a token")
