"""Serves one queue until told to stop, and notices when a thread has died."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dramatiq

from schemas.topology import Queue
from workers.adapters.broker import connection
from workers.adapters.broker.consuming import EventBroker, Handle, wait_for_broker

WAKE_MS = 200
"""How often dramatiq's threads look up from waiting."""
LOOK = 1.0
"""Seconds between looks at the threads."""
GRACE_MS = 60_000
"""How long running work may take to end."""
LIVE = "/live"


def serve(
    url: str,
    queue: Queue,
    handle: Handle,
    *,
    stop: threading.Event,
    trusted: frozenset[str] = frozenset(),
    health_port: int = 0,
) -> None:
    """Blocks until `stop`; then running work ends, and what waits goes back to the queue.

    `handle` is called by `queue.threads` threads. Internal events are believed from our own user and `trusted`.
    Survives restarts and the loss of all data of the broker. Raises Denied, and RuntimeError if a thread has died.
    """
    broker = EventBroker(url, queue, handle, trusted | {connection.user(url)}, stop)
    worker = dramatiq.Worker(broker, queues={queue.name}, worker_timeout=WAKE_MS, worker_threads=queue.threads)
    worker.queue_prefetch = queue.threads
    with _health(worker, health_port):
        wait_for_broker(url, queue, stop)
        try:
            worker.start()
            _watch(worker, queue, stop)
        finally:
            stop.set()
            worker.stop(timeout=GRACE_MS)
            broker.publisher.close()


def _watch(worker: dramatiq.Worker, queue: Queue, stop: threading.Event) -> None:
    while not stop.wait(LOOK):
        if dead := dead_threads(worker):
            raise RuntimeError(f"threads of {queue.name} have died: {', '.join(dead)}; restart the process")


def dead_threads(worker: dramatiq.Worker) -> list[str]:
    """The names of the worker and consumer threads that have ended."""
    threads = [*worker.workers, *worker.consumers.values()]
    return [thread.name for thread in threads if not thread.is_alive()]


def consuming(worker: dramatiq.Worker) -> bool:
    """Whether every consumer has a connection to the broker."""
    consumers = [thread.consumer for thread in worker.consumers.values()]
    return bool(consumers) and not any(getattr(consumer, "gone", True) for consumer in consumers)


@contextmanager
def _health(worker: dramatiq.Worker, port: int) -> Iterator[None]:
    """On 127.0.0.1:port: 200 while all threads live and consume, else 503. Port 0 is no endpoint.

    LIVE leaves out consuming, for probes that restart the process: that does not bring a broker back.
    """
    if not port:
        yield
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            dead, consumes = dead_threads(worker), consuming(worker)
            well = not dead and (consumes or self.path == LIVE)
            self.send_response(200 if well else 503)
            self.end_headers()
            self.wfile.write(json.dumps({"dead_threads": dead, "consuming": consumes}).encode())

        def log_message(self, *_: object) -> None:
            """Probes are not news."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
