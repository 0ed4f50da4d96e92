"""A webhook receiver on 127.0.0.1: keeps what it was told, and checks the signatures."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from schemas import webhook


class Receiver:
    """`events` are the bodies that came with a good signature; `answers` are the codes still to be given, then 204.
    `asked` are method, path and Host of all requests."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.url = ""
        self.port = 0
        self.events: list[dict[str, object]] = []
        self.signatures: list[str] = []
        self.asked: list[tuple[str, str, str]] = []
        self.forged = 0
        self.answers: list[int] = []
        self.location = ""


@contextmanager
def receiver(secret: str) -> Iterator[Receiver]:
    """Runs one."""
    state = Receiver(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = self._code()
            state.signatures.append(self.headers.get(webhook.SIGNATURE, ""))
            if not webhook.verify(secret, body, state.signatures[-1], time.time()):
                state.forged += 1
            elif code == 204:
                state.events.append(json.loads(body))
            self._answer(code)

        def do_GET(self) -> None:
            self._answer(self._code())

        def _code(self) -> int:
            state.asked.append((self.command, self.path, self.headers["Host"]))
            return state.answers.pop(0) if state.answers else 204

        def _answer(self, code: int) -> None:
            self.send_response(code)
            if state.location:
                self.send_header("Location", state.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
