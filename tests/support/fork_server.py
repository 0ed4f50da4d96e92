"""A process that has imported what workers and the command line need, and becomes what it is asked for by forking.

    python -m tests.support.fork_server SOCKET

Each connection to SOCKET asks for one process (`tests.support.forks`): a line of JSON with its module and arguments
(`argv`), `environment` and `cwd`, and with it descriptors for standard input, output and error. The answer is two
lines: its pid, and when it has ended, its exit code as subprocess.Popen has it.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import producers.cli.commands
import producers.cli.main
import workers.adapters.cluster
import workers.adapters.stores.s3
import workers.app  # noqa: F401
from deploy.local.processes import die_with_parent

LONGEST = 1_000_000
"""Bytes of a request."""


@dataclass(frozen=True)
class Asked:
    """What a new process is to be."""

    argv: list[str]
    environment: dict[str, str]
    cwd: str


def serve(listening: socket.socket) -> Asked:
    """Forks for each connection. Returns in the children only."""
    running: dict[int, socket.socket] = {}
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == woken:
                    os.read(woken, 4096)
                    _report_ends(running)
                    continue
                connection, _ = listening.accept()
                asked, descriptors = _read(connection)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    for mine in (listening, connection, *running.values()):
                        mine.close()
                    os.close(woken)
                    os.close(wake)
                    _become(asked, descriptors)
                    return asked
                running[pid] = connection
                for descriptor in descriptors:
                    os.close(descriptor)
                _say(connection, pid)


def _read(connection: socket.socket) -> tuple[Asked, list[int]]:
    body, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 3)
    while not body.endswith(b"\n"):
        body += connection.recv(LONGEST)
    return Asked(**json.loads(body)), descriptors


def _say(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # who asked may be gone
        connection.sendall(b"%d\n" % number)


def _report_ends(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as connection:
            _say(connection, os.waitstatus_to_exitcode(status))


def _become(asked: Asked, descriptors: list[int]) -> None:
    """Makes this child what a new interpreter would be."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(asked.cwd)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv = asked.argv


def main(path: str) -> None:
    """Serves until it is killed; in a child, runs the module that was asked for."""
    for each in pkgutil.iter_modules(producers.cli.commands.__path__, "producers.cli.commands."):
        importlib.import_module(each.name)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path + ".new")
    listening.listen(100)
    Path(path + ".new").rename(path)
    gc.freeze()
    assert threading.active_count() == 1, "a fork would lose the other threads"
    asked = serve(listening)
    warnings.filterwarnings("ignore", message=".*found in sys.modules", category=RuntimeWarning)
    runpy.run_module(asked.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
