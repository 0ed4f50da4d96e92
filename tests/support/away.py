"""A way to a server that can be closed: who goes by it finds nobody there, and loses the connections that it has."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml

HOST = "127.0.0.1"


class Way:
    """Carries connections to a port of this machine to another. Safe for threads."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, name="way", daemon=True).start()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody gets there while the context lasts."""
        with self._lock:
            self._open = False
            for each in self._sockets:
                _end(each)
            self._sockets.clear()
        try:
            yield
        finally:
            with self._lock:
                self._open = True

    def end(self) -> None:
        """For good."""
        _end(self._listening)
        with self.closed():
            pass

    def _accept(self) -> None:
        while True:
            try:
                came, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                if not self._open:
                    _end(came)
                    continue
                there = socket.create_connection((HOST, self._to))
                self._sockets += [came, there]
            for source, target in ((came, there), (there, came)):
                threading.Thread(target=_carry, args=(source, target), name="way", daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def way_to(kubeconfig: Path, by: Path) -> Iterator[Way]:
    """A way to the only server that `kubeconfig` names, and another kubeconfig that leads by it."""
    config = yaml.safe_load(kubeconfig.read_text())
    [named] = config["clusters"]
    address = urlsplit(named["cluster"]["server"])
    way = Way(address.port or 443)
    named["cluster"]["server"] = f"{address.scheme}://{HOST}:{way.port}"
    by.write_text(yaml.safe_dump(config))
    try:
        yield way
    finally:
        way.end()
