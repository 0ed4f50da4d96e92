"""A webhook receiver on 127.0.0.1: keeps what it was told, and checks the signatures."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from schemas import webhook


class Receiver:
    """`events` are the bodies that came with a good signature; `answers` are the codes still to be given, then 204."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.url = ""
        self.events: list[dict[str, object]] = []
        self.forged = 0
        self.answers: list[int] = []


@contextmanager
def receiver(secret: str) -> Iterator[Receiver]:
    """Runs one."""
    state = Receiver(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            timestamp = int(self.headers[webhook.TIMESTAMP])
            code = state.answers.pop(0) if state.answers else 204
            if not webhook.verify(secret, timestamp, body, self.headers.get(webhook.SIGNATURE, ""), time.time()):
                state.forged += 1
            elif code == 204:
                state.events.append(json.loads(body))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
