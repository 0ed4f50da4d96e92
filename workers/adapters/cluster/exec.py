"""Commands in containers, over the exec API's WebSocket: one channel for each output, and one for how it ended.

https://pkg.go.dev/k8s.io/apimachinery/pkg/util/remotecommand
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import websocket
from kubernetes.client import ApiClient

from schemas.errors import Invalid, TransientError
from workers.adapters.cluster.refusals import parse, refusal
from workers.adapters.cluster.streams import opened
from workers.ports import ExecResult

PROTOCOL = "v4.channel.k8s.io"
"""Every API server since 1.4 speaks it. Later versions add only what standard input needs."""
STDOUT, STDERR, ENDED = 1, 2, 3
KEEP_ALIVE = 20.0
"""Seconds of silence before a ping, so that nobody in between takes a quiet command for a dead connection."""

NOT_STARTED = {
    127: re.compile(r"executable file .*not found|exec failed.*no such file or directory", re.IGNORECASE),
    126: re.compile(r"exec failed.*(permission denied|exec format error|is a directory)", re.IGNORECASE),
}
"""What container runtimes say of a command that they cannot start, and the exit code that a shell has for it."""


def execute(
    client: ApiClient,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    deadline: timedelta,
    limit: int,
    *,
    keep_alive: float = KEEP_ALIVE,
) -> ExecResult:
    """See the port. After so many seconds of silence (`keep_alive`) the server is pinged."""
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
    query = [("container", container), ("stdout", "true"), ("stderr", "true"), *(("command", word) for word in command)]
    tried = f"could not run a command in container {container} of pod {namespace}/{pod}"
    if not command:
        raise Invalid(f"{tried}: the command is empty")
    outputs = {STDOUT: Tail(limit), STDERR: Tail(limit)}
    end = time.monotonic() + deadline.total_seconds()
    exit_code = None
    with opened(client, path, query, PROTOCOL, tried) as socket:
        for channel, data in _frames(socket, end, keep_alive, tried):
            if channel in outputs:
                outputs[channel].add(data)
            elif channel == ENDED:
                exit_code, said = outcome(data, tried)
                outputs[STDERR].add(said)
                break
    out, err = outputs[STDOUT], outputs[STDERR]
    return ExecResult(exit_code, out.text(), err.text(), out.cut, err.cut)


class Tail:
    """The last `limit` bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.cut = False

    def add(self, data: bytes) -> None:
        """Goes on with `data`."""
        self._kept += data
        if surplus := max(0, len(self._kept) - self._limit):
            del self._kept[:surplus]
            self.cut = True

    def text(self) -> str:
        """What is kept, as text."""
        return self._kept.decode(errors="replace")


def _frames(socket: websocket.WebSocket, end: float, keep_alive: float, tried: str) -> Iterator[tuple[int, bytes]]:
    """Channel and data of each message until the time `end`. Raises TransientError if the connection ends earlier."""
    while (left := end - time.monotonic()) > 0:
        socket.settimeout(min(left, keep_alive))
        try:
            opcode, frame = socket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            with suppress(OSError, websocket.WebSocketException):
                socket.ping()
            continue
        except (OSError, websocket.WebSocketException) as error:
            raise _broken(tried, str(error)) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise _broken(tried, "the server closed it")
        if opcode in (websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_TEXT) and frame.data:
            yield frame.data[0], frame.data[1:]


def _broken(tried: str, why: str) -> TransientError:
    return TransientError(f"{tried}: the connection was lost before it had ended ({why}); it may still run")


def outcome(data: bytes, tried: str) -> tuple[int, bytes]:
    """The exit code that the closing Status tells, and the runtime's words on a command that it could not start."""
    status = parse(data)
    if status.get("status") == "Success":
        return 0, b""
    message = str(status.get("message") or "")
    if (code := _exit_code(status)) is not None:
        return code, b""
    for code, words in NOT_STARTED.items():
        if words.search(message):
            return code, message.encode()
    raise refusal(int(status.get("code") or 500), data, tried)


def _exit_code(status: dict[str, Any]) -> int | None:
    causes = (status.get("details") or {}).get("causes") or []
    found = [str(cause.get("message")) for cause in causes if cause.get("reason") == "ExitCode"]
    return int(found[0]) if status.get("reason") == "NonZeroExitCode" and found and found[0].isdecimal() else None
