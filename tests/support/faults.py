"""A proxy before an object store's server that spoils the answers it is told to spoil."""

import http.client
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LOSE = "lose"
"""Pass the request on, then hang up instead of answering."""
CUT = "cut"
"""Answer with half of the body, then hang up."""
DIE = "die"
"""Pass the head of the request on, and hang up on both, as one who dies before he has sent the body."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that have hung up: some are killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FaultyProxy:
    """Each request takes the next of `faults`: LOSE, CUT, DIE, or an error as `<status> <code>`, which `refusal` puts
    as the server does; then all is well."""

    def __init__(self, upstream: str, refusal: "Callable[[int, str], Answer] | None" = None) -> None:
        self._refusal = refusal or s3_refusal
        self.faults: list[str] = []
        self.requests = 0
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["FaultyProxy"]:
        """While it answers."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def fault_of(self, method: str) -> str:
        """The fault of the request that has just come, empty for none."""
        return self.next_fault()

    def next_fault(self) -> str:
        """The next of `faults`."""
        with self._lock:
            self.requests += 1
            return self.faults.pop(0) if self.faults else ""

    def forward(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, *, dies: bool = False
    ) -> "Answer":
        """What the server says; the headers are passed on untouched, for they are signed. Without the body, if who
        sends it `dies`."""
        connection = http.client.HTTPConnection(self._upstream, timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() != "expect":  # the proxy itself has answered it
                connection.putheader(name, value)
        connection.endheaders(None if dies else body)
        if dies:
            connection.sock.shutdown(socket.SHUT_WR)
        response = connection.getresponse()
        answer = response.status, response.getheaders(), response.read()
        connection.close()
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.fault_of(self.command)
                if fault and fault not in (LOSE, CUT, DIE):
                    status, _, code = fault.partition(" ")
                    self._say(proxy._refusal(int(status), code))
                    return
                answer = proxy.forward(self.command, self.path, self.headers.items(), body, dies=fault == DIE)
                if fault in (LOSE, DIE):
                    self.close_connection = True
                else:
                    self._say(answer, cut=fault == CUT)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815  # names of http.server

            def _say(self, answer: Answer, cut: bool = False) -> None:
                status, headers, body = answer
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)
                self.close_connection = cut

            def log_message(self, format: str, *args: object) -> None:
                return

        return Handler


Answer = tuple[int, list[tuple[str, str]], bytes]


def s3_refusal(status: int, code: str) -> Answer:
    """An error as S3 answers it."""
    text = f"<Error><Code>{code}</Code><Message>as told</Message></Error>"
    return status, [("Content-Type", "application/xml")], text.encode()


def gcs_refusal(status: int, reason: str) -> Answer:
    """An error as Google Cloud Storage answers it."""
    said = {"message": "as told", "domain": "global", "reason": reason}
    body = {"error": {"code": status, "message": said["message"], "errors": [said]}}
    return status, [("Content-Type", "application/json")], json.dumps(body).encode()


def azure_refusal(status: int, code: str) -> Answer:
    """An error as Azure Blob Storage answers it."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>as told</Message></Error>'
    return status, [("Content-Type", "application/xml"), ("x-ms-error-code", code)], text.encode()
