"""Programs whose clocks are wrong: real processes under libfaketime, beside servers that have the right time.

    python -m tests.support.clocks MODULE ARGUMENTS...

runs a module there. The times of files stay true, as the kernel of a node that serves them sets them.
"""

import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import SupportsIndex

from tests.support.line import Line

SHIFT = timedelta(days=2)


def shifted(by: timedelta, *module: str) -> list[str]:
    """How to run a module, with its arguments, in a process whose clock is ahead by so much, or behind."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{by.total_seconds():+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    given = [f"{name}={value}" for name, value in settings.items()]
    return ["env", *given, sys.executable, "-m", "tests.support.clocks", *module]


def clock_of(by: timedelta) -> float:
    """What a process so started takes the time to be, in seconds since 1970."""
    program = shifted(by)
    return float(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


def workers(by: Mapping[str, timedelta]) -> Callable[[str], list[str]]:
    """How to start workers, each with its queue's shift."""
    return lambda queue: shifted(by[queue], "workers.app", queue)


def start_scheduler(line: Line, name: str, by: timedelta) -> None:
    """A scheduler of that name, with its shift."""
    command = shifted(by, "producers.cli.main", "scheduler")
    line.stack.supervisor.start(name, command, line.stack.environment)


def _sleep(seconds: SupportsIndex | float) -> None:
    threading.Event().wait(float(seconds))


def main(*module: str) -> None:
    """Runs the module; without one, says what time it is."""
    time.sleep = _sleep  # libfaketime's own fails, as Python gives it a moment and not a length
    if module:
        sys.argv = list(module)
        runpy.run_module(module[0], run_name="__main__", alter_sys=True)
    else:
        print(time.time())


if __name__ == "__main__":
    main(*sys.argv[1:])
