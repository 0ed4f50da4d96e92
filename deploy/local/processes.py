"""A small supervisor: keeps child processes running, and takes them along when it goes."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

FIRST_REST, LONGEST_REST = 0.2, 1.0
"""Seconds before a process that ended is started again; doubled while it ends at once."""
GRACE = 10.0
"""Seconds that a process may take to end before it is killed."""
STEADY = 5.0
"""A process that ran so many seconds did not end at once."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills the child when the thread that started it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process(Protocol):
    """What is asked of a process that runs or has ended: a part of subprocess.Popen."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Processes:
    """How processes are made here; tests have another way."""

    def start(self, argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
        """One that goes on; all that it says goes to `log`. It ends with the thread that has started it."""
        return subprocess.Popen(
            argv,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # one prctl call, no locks
        )

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], *, show: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """One that ends, and what it has said. With `show`, what it says on standard error goes to ours."""
        return subprocess.run(
            argv,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )


@dataclass
class Child:
    """One supervised process."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: Process | None = None
    starts: int = 0
    exits: list[int] = field(default_factory=list)
    """The exit code of each process that has ended, as subprocess.Popen has it."""


class Supervisor:
    """Starts, restarts and stops processes, each from a thread of its own; safe for threads."""

    def __init__(self, log_dir: Path, processes: Processes | None = None) -> None:
        self._log_dir, self._processes = log_dir, processes or Processes()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._children: dict[str, tuple[Child, threading.Thread]] = {}

    def start(self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """Runs `argv` until `stop`, starting it again whenever it ends. Its output goes to `<log_dir>/<name>.log`."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        child = Child(
            name, argv, dict(os.environ if environment is None else environment), self._log_dir / f"{name}.log"
        )
        thread = threading.Thread(target=self._keep, args=(child,), name=f"supervise {name}", daemon=True)
        with self._lock:
            if name in self._children:
                raise RuntimeError(f"{name} is supervised already")
            self._children[name] = child, thread
        thread.start()
        return child

    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        with self._lock:
            children = [child for child, _ in self._children.values()]
        return {child.name: child.process.pid for child in children if child.process is not None}

    def children(self) -> list[Child]:
        """All that it keeps running; what is changed of a child counts when it is started again."""
        with self._lock:
            return [child for child, _ in self._children.values()]

    def kill(self, name: str, number: int = signal.SIGKILL) -> bool:
        """Sends a signal to the process called `name`, if it runs just now; whether it did."""
        process = self._children[name][0].process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    def stop(self) -> None:
        """SIGTERM to all; SIGKILL to those that are still there after ten seconds. Returns when all are gone."""
        self._stopping.set()
        with self._lock:
            children = list(self._children.values())
        for child, _ in children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE
        for child, thread in children:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive() and child.process is not None:
                child.process.kill()
                thread.join()

    def _keep(self, child: Child) -> None:
        rest = FIRST_REST
        while not self._stopping.is_set():
            began = time.monotonic()
            self._run(child)
            if time.monotonic() - began > STEADY:
                rest = FIRST_REST
            self._stopping.wait(rest)
            rest = min(rest * 2, LONGEST_REST)

    def _run(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = self._processes.start(child.argv, child.environment, log)
            child.starts += 1
            if self._stopping.is_set():
                child.process.terminate()
            child.exits.append(child.process.wait())
