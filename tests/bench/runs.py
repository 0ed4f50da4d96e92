"""One measured run of a program."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LIMIT = 900.0
"""Seconds after which a run has failed."""
CHECKOUT = Path(__file__).parents[2]
_LAUNCH = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]


class Failed(Exception):
    """A run that ended badly; the message says what and why."""


@dataclass(frozen=True)
class Run:
    """What a run took."""

    seconds: float
    rss_kib: int
    output: str = ""
    stored_bytes: int | None = None


def run(command: list[str], environment: Mapping[str, str] | None = None, directory: Path = CHECKOUT) -> Run:
    """Runs `command` in a directory, with `environment` added to ours; its time is from start to end.
    Raises Failed."""
    process = subprocess.Popen(
        [*_LAUNCH, *command],
        cwd=directory,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Failed(f"{' '.join(command[:4])} …: not done after {LIMIT:.0f} s") from None
        raise
    if process.returncode:
        raise Failed(f"{' '.join(command[:4])} …: {' / '.join((errors or output).strip().splitlines()[-3:])}")
    said, _, measured = output.rstrip("\n").rpartition("\n")
    seconds, kib = measured.split()
    return Run(float(seconds), int(kib), said.strip())
