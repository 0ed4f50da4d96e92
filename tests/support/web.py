"""A web application served on this machine, from a thread of this process, for browsers and other clients."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from deploy.local.ports import free_ports

PATIENCE = 60.0
"""Seconds until it must listen, and until it must have ended."""


@contextmanager
def served(application: Starlette) -> Iterator[str]:
    """The address, such as `http://127.0.0.1:12345`."""
    [port] = free_ports(1)
    config = uvicorn.Config(application, port=port, log_config=None, ws="none", http="h11", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        assert thread.is_alive(), "the application has not come up"
        assert time.monotonic() < deadline, f"the application has not come up in {PATIENCE} s"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
