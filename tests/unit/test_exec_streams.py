"""The exec adapter and servers that break off, refuse, or let it wait."""

import base64
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import yaml

from schemas.errors import Denied, SnaplineError, TransientError
from workers.adapters.cluster import api_client
from workers.adapters.cluster.exec import execute
from workers.ports import ExecResult

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STATUS = b'\x03{"status":"Success"}'
Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def _server(answer: Answer) -> Iterator[int]:
    """A server on the loopback for one connection: `answer` gets it, and the request's head. Its port."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            answer(connection, head)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def _upgrade(connection: socket.socket, head: bytes) -> None:
    assert b"\r\nauthorization: bearer the-token\r\n" in head.lower()
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _frame(payload: bytes) -> bytes:
    return bytes([0x82, len(payload)]) + payload


def _run(port: int, folder: Path, seconds: float = 10, keep_alive: float = 20) -> ExecResult:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "u", "user": {"token": "the-token"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    client = api_client(str(kubeconfig))
    deadline = timedelta(seconds=seconds)
    return execute(client, "shop", "db-0", "db", ["true"], deadline, 100, keep_alive=keep_alive)


def test_a_connection_that_breaks_off_is_no_end(tmp_path: Path) -> None:
    def answer(connection: socket.socket, head: bytes) -> None:
        _upgrade(connection, head)
        connection.sendall(_frame(b"\x01some"))

    with _server(answer) as port, pytest.raises(TransientError, match=r"shop/db-0: .*it may still run"):
        _run(port, tmp_path)


def test_a_server_that_closes_without_a_status_is_no_end_either(tmp_path: Path) -> None:
    def answer(connection: socket.socket, head: bytes) -> None:
        _upgrade(connection, head)
        connection.sendall(bytes([0x88, 0]))
        connection.recv(100)

    with _server(answer) as port, pytest.raises(TransientError, match="the server closed it"):
        _run(port, tmp_path)


def test_a_silent_server_is_pinged_until_the_command_ends(tmp_path: Path) -> None:
    pings: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        _upgrade(connection, head)
        pings.extend(connection.recv(100) for _ in range(2))
        connection.sendall(_frame(b"\x01out") + _frame(STATUS))

    with _server(answer) as port:
        assert _run(port, tmp_path, keep_alive=0.1) == ExecResult(0, "out")
    assert [ping[0] for ping in pings] == [0x89, 0x89]


@pytest.mark.parametrize(("status", "family"), [(401, TransientError), (403, Denied), (502, TransientError)])
def test_refusals_are_of_the_family_that_other_calls_have(
    tmp_path: Path, status: int, family: type[SnaplineError]
) -> None:
    def answer(connection: socket.socket, head: bytes) -> None:
        body = json.dumps({"kind": "Status", "reason": "Why", "message": "because of this"}).encode()
        connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    with _server(answer) as port, pytest.raises(family, match=r"shop/db-0.*because of this"):
        _run(port, tmp_path)
