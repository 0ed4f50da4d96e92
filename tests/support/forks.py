"""Workers and commands as processes of their own that begin with everything imported: forks of a server.

Each would need a second of a processor for its imports, and a line has twenty. What happens when they are started as
users do is tested by `tests/integration/test_worker_process.py` and `tests/unit/cli/test_start.py`.
"""

import atexit
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO

from deploy.local.processes import Process, Processes, die_with_parent

PATIENCE = 240.0
"""Seconds until the server must be there."""


class Forked:
    """A process as subprocess.Popen has it. Safe for threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("rb", buffering=0)
        self._lock = threading.Lock()
        self._code: int | None = None
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """If it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        """The exit code; None if it has not ended after so many seconds."""
        while self._code is None:
            ready, _, _ = select.select([self._answers], [], [], timeout)
            with self._lock:
                if not ready:
                    return self._code
                if self._code is None:
                    self._code = int(self._answers.readline() or -signal.SIGKILL)  # it dies with the server
        self._answers.close()
        return self._code


class Forks(Processes):
    """Starts what are modules by forking, and everything else as ever. To be made in the main thread."""

    def __init__(self) -> None:
        self._server = _server()

    def start(self, argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
        """See Processes."""
        if not _is_module(argv):
            return super().start(argv, environment, log)
        with Path(os.devnull).open("rb") as nothing:
            return _fork(self._server, argv[2:], environment, (nothing, log, log))

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], *, show: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """See Processes."""
        if show or not _is_module(argv):
            return super().run(argv, environment, show=show)
        done = self.ask(argv[2:], environment, b"")
        return subprocess.CompletedProcess(argv, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ask(
        self, argv: Sequence[str], environment: Mapping[str, str], said: bytes
    ) -> "subprocess.CompletedProcess[bytes]":
        """A module with its arguments, which is `said` something on standard input; what it answers."""
        with ExitStack() as files:
            streams = [files.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            streams[0].write(said)
            streams[0].seek(0)
            code = _fork(self._server, argv, environment, streams).wait()
            for stream in streams[1:]:
                stream.seek(0)
            return subprocess.CompletedProcess(argv, code, streams[1].read(), streams[2].read())


def _is_module(argv: Sequence[str]) -> bool:
    return list(argv[:2]) == [sys.executable, "-m"]


def _fork(server: str, argv: Sequence[str], environment: Mapping[str, str], streams: Iterable[IO[bytes]]) -> Forked:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server)
        asked = {"argv": [*argv], "environment": dict(environment), "cwd": str(Path.cwd())}
        socket.send_fds(connection, [json.dumps(asked).encode() + b"\n"], [stream.fileno() for stream in streams])
        return Forked(connection)


@cache
def _server() -> str:
    """The address of this process's server. It dies with the thread that asks first, which has to be the main one."""
    assert threading.current_thread() is threading.main_thread()
    address = str(Path(tempfile.mkdtemp(prefix="snapline-forks-")) / "socket")
    command = [sys.executable, "-m", "tests.support.fork_server", address]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    atexit.register(_end, process, Path(address).parent)
    deadline = time.monotonic() + PATIENCE
    while not Path(address).exists():
        assert process.poll() is None, "the server of forks has not started"
        assert time.monotonic() < deadline, "the server of forks does not start"
        time.sleep(0.05)
    return address


def _end(process: "subprocess.Popen[bytes]", directory: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(directory, ignore_errors=True)
