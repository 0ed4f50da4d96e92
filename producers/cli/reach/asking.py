"""Asks a server's HTTP API, and says what it refuses as the error that it was there. The token is in no text."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from schemas.errors import Code, Damaged, Denied, Invalid, NotFound, SnaplineError, TransientError
from schemas.settings import PREFIX

PATIENCE = httpx.Timeout(60.0, connect=10.0)
"""Seconds that an answer may take."""
DAMAGES = frozenset({Code.DAMAGED, Code.RECORD_UNREADABLE, Code.RECORD_NOT_AUTHENTIC, Code.INDEX_DAMAGED})
Sent = Mapping[str, Any]


class Asking:
    """Safe for threads."""

    def __init__(
        self, url: str, token: str, transport: httpx.BaseTransport | None = None, ca: Path | None = None
    ) -> None:
        """`ca` has the authorities that may have signed the server's certificate; `transport` is in place of the
        network. Raises Invalid for authorities that cannot be read."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._url = url
        self._client = httpx.Client(
            base_url=f"{url}/api/v1/",
            headers=headers,
            timeout=PATIENCE,
            transport=transport,
            verify=_believed(ca),
            follow_redirects=False,
        )

    def ask(self, method: str, *path: str, query: Sent | None = None, body: Sent | None = None) -> Any:
        """The JSON of the answer, None for none; parts of the path may have any characters. Raises as the server says,
        and TransientError where it does not answer."""
        with self._said(method):
            answer = self._client.request(method, _path(path), params=_given(query), json=body)
            return self._read(answer)

    def pages(self, *path: str, query: Sent) -> list[Any]:
        """All items of a list that is told in parts."""
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            part = self.ask("GET", *path, query={**query, "limit": 1000, "cursor": cursor})
            found += part["items"]
            cursor = part["next"]
        return found

    @contextmanager
    def lines(self, *path: str, query: Sent, silence: float, last: str) -> Iterator[Iterator[str]]:
        """The lines of a stream that goes on after the event `last`, and ends with an error after so many seconds of
        `silence`."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        timeout = httpx.Timeout(silence, connect=10.0)
        with (
            self._said("GET"),
            self._client.stream("GET", _path(path), params=_given(query), headers=headers, timeout=timeout) as answer,
        ):
            if answer.status_code != 200:
                answer.read()
                self._read(answer)
            yield answer.iter_lines()

    def close(self) -> None:
        """Lets go of the server."""
        self._client.close()

    @contextmanager
    def _said(self, method: str) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL) as error:
            said = str(error) or type(error).__name__
            text = f"the server does not answer: {method} failed ({said})"
            raise TransientError(text, place=self._url) from error

    def _read(self, answer: httpx.Response) -> Any:
        if answer.status_code == 204:
            return None
        try:
            said = answer.json()
        except ValueError as error:
            text = f"what answered with {answer.status_code} is no Snapline server"
            raise Invalid(text, place=self._url) from error
        if answer.is_success:
            return said
        raise _error(answer.status_code, said if isinstance(said, dict) else {})


def _believed(ca: Path | None) -> ssl.SSLContext | bool:
    if ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise Invalid(f"could not read the authorities in {ca} ({PREFIX}SERVER_CA): {error}") from error


def _error(status: int, said: Sent) -> SnaplineError:
    """The error of the family and the code that it was there."""
    text, subject = str(said.get("detail") or f"the server has answered with {status}"), str(said.get("subject") or "")
    code = Code(said["code"]) if said.get("code") in set(Code) else None
    match status:
        case 404:
            return NotFound(text, code=code, subject=subject)
        case 401 | 403:
            return Denied(text, code=code, subject=subject)
        case 502 if code in DAMAGES:
            return Damaged(text, code=code, subject=subject)
        case 502:
            return Denied(text, code=code, subject=subject)
        case _ if status >= 500 or status in (408, 429):
            return TransientError(text, code=code, subject=subject)
        case _:
            return Invalid(text, code=code, subject=subject)


def _path(parts: tuple[str, ...]) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _given(query: Sent | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value not in (None, "")}
