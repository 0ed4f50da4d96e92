"""Around everything that is served: security headers, a limit on bodies, and no deed for another site's page.

The policy allows our own files alone: no inline script or style, no foreign host, no frame around us.
"""

import asyncio
import json
from collections.abc import Sequence
from html import escape
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.access.web import SAFE, Way, address_of, bearer, from_elsewhere

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FILE_POLICY = POLICY + "; sandbox"
"""For what is downloaded: whatever a file is, it is no page of ours."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
TLS_ALONE = "max-age=31536000"
STATIC, API = "/static/", "/api/"
"""What says itself how its answers may be kept."""
MOST = 4 * 1024 * 1024
"""Bytes of a body."""
PATIENCE = 60.0
"""Seconds that a body may take to come."""


class Guard:
    """ASGI middleware around everything, the answers to our own faults included: headers, no deed for another site's
    page, and as the client the one for whom our proxies ask."""

    def __init__(self, app: ASGIApp, way: Way | None = None, *, open_to_all: Sequence[str] = ()) -> None:
        """`open_to_all` are paths that take tokens alone, from whatever page."""
        self._app, self._way, self._open = app, way or Way(), tuple(open_to_all)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if request.client is not None:
            scope = {**scope, "client": (address_of(request.client.host, request.headers, self._way), 0)}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), request, self._way)
            await send(message)

        by_token = request.url.path in self._open or bearer(request) is not None
        foreign = None if scope["method"] in SAFE or by_token else from_elsewhere(request, self._way)
        if foreign is not None:
            await _answer(guarded, request, 403, str(foreign))
        else:
            await self._app(scope, receive, guarded)


class BodyLimit:
    """ASGI middleware, inside of what answers our own faults: a body has an end, in bytes and in time."""

    def __init__(self, app: ASGIApp, most: int = MOST, patience: float = PATIENCE) -> None:
        """`most` is in bytes, `patience` in seconds."""
        self._app, self._most, self._patience = app, most, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, began = HTTPConnection(scope), False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared[:20]) > self._most:
            await _answer(send, request, 413, _too_long(self._most))
            return
        try:
            await self._app(scope, _limited(receive, self._most, self._patience), noted)
        except BodyRefused as error:
            if began:
                raise
            await _answer(send, request, error.status, str(error))


class BodyRefused(Exception):
    """A body that is too long, or takes too long to come. No family of ours, so that nobody else catches it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _limited(receive: Receive, most: int, patience: float) -> Receive:
    loop = asyncio.get_running_loop()
    read, until, ended = 0, loop.time() + patience, False

    async def limited() -> Message:
        nonlocal read, ended
        if ended:
            return await receive()  # which waits for the end of the connection
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise BodyRefused(408, f"the body did not come within {patience:g} s") from None
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if read > most:
                raise BodyRefused(413, _too_long(most))
        return message

    return limited


def _too_long(most: int) -> str:
    return f"what was sent is longer than {most} bytes; nothing was done"


def _add(headers: MutableHeaders, request: HTTPConnection, way: Way) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    is_file = headers.get("content-disposition", "").startswith("attachment")
    headers["content-security-policy"] = FILE_POLICY if is_file else POLICY
    path = request.url.path
    if not path.startswith((STATIC, API)):
        headers["cache-control"] = "no-store"
    elif "cache-control" not in headers:
        headers["cache-control"] = "no-cache" if path.startswith(STATIC) else "no-store"
    if way.secure or request.url.scheme == "https":
        headers["strict-transport-security"] = TLS_ALONE


async def _answer(send: Send, request: HTTPConnection, status: int, text: str) -> None:
    """A page for people, a problem document (RFC 9457) for programs; the connection ends with it."""
    title = HTTPStatus(status).phrase
    if "text/html" in request.headers.get("accept", ""):
        kind = b"text/html; charset=utf-8"
        body = _PAGE.format(title=escape(title), text=escape(f"{text[:1].upper()}{text[1:]}.")).encode()
    else:
        kind = b"application/problem+json"
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": text}).encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} · Snapline</title><link rel="stylesheet" href="/static/console.css"></head>
<body><div id="app" data-testid="root-container"><main id="content">
<h1>{title}</h1><p>{text}</p><p><a href="/">Home</a></p>
</main></div></body>
</html>
"""
