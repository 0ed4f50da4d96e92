"""Health and metrics over HTTP, where a kubelet and Prometheus reach them."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from schemas.errors import Invalid

LIVE, READY, METRICS = "/live", "/ready", "/metrics"
PATIENCE = 5
"""Seconds that a client may take to ask."""
TEXT, JSON = "text/plain; version=1.0.0; charset=utf-8", "application/json"


@dataclass(frozen=True)
class Health:
    """What there is to know of a process just now."""

    dead_threads: Callable[[], list[str]]
    hung_threads: Callable[[], list[str]]
    consuming: Callable[[], bool]
    metrics: Callable[[], bytes]


Answer = tuple[int, str, bytes]


def answer(path: str, health: Health) -> Answer:
    """Status, content type and body.

    `/live` is 200 while all threads live, and none hangs: a restart helps if not. `/ready` also wants a connection to
    the broker, which no restart brings back. `/metrics` is Prometheus' text.
    """
    if path == METRICS:
        return 200, TEXT, health.metrics()
    if path not in (LIVE, READY):
        return 404, JSON, json.dumps({"paths": [LIVE, READY, METRICS]}).encode()
    dead, hung, consuming = health.dead_threads(), health.hung_threads(), health.consuming()
    well = not dead and not hung and (consuming or path == LIVE)
    said = {"dead_threads": dead, "hung_threads": hung, "consuming": consuming}
    return 200 if well else 503, JSON, json.dumps(said).encode()


def of_producer(metrics: Callable[[], bytes], hung: Callable[[], list[str]] = list) -> Health:
    """That of a process that serves no queue: it answers, so it lives, unless it says itself which threads hang."""
    return Health(dead_threads=list, hung_threads=hung, consuming=lambda: True, metrics=metrics)


@contextmanager
def serving(address: str, health: Health) -> Iterator[str]:
    """Answers at `address` while the context lasts; yields the address, with the port that port 0 became.
    Raises Invalid if it cannot listen there."""
    host, port = parse(address)
    server = _Server(host, port, health)
    threading.Thread(target=server.serve_forever, name="probe", daemon=True).start()
    try:
        yield f"{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def parse(address: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9808`, `0.0.0.0:9808` or `[::]:9808`. Raises Invalid."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise Invalid(f"the probe's address {address!r} is not HOST:PORT, such as 0.0.0.0:9808 or [::]:9808")
    return host.removeprefix("[").removesuffix("]"), int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, health: Health) -> None:
        self.health = health
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family = found[0][0]
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise Invalid(f"the probe cannot listen on {host} port {port}: {error}") from error

    def server_bind(self) -> None:
        """Makes [::] listen on IPv4, too: the machine's address may be of either kind."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE
    server: _Server

    def do_GET(self) -> None:  # http.server's name
        """Answers one request."""
        status, kind, body = answer(self.path.partition("?")[0], self.server.health)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Probes are not news."""
