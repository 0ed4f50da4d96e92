"""The admin console of the local stack: a process beside the workers, and how to get in for the first time."""

import re
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from deploy.local.ports import free_ports, is_free
from deploy.local.stack import Stack

USUAL_PORT = 8800
"""Where `snapline console` listens if it is not told otherwise."""
PATIENCE = 120.0
"""Seconds until it must answer."""
_PASSWORD = re.compile(r"log in as admin with the password (\S+),")


@dataclass(frozen=True)
class RunningConsole:
    """Where it is, and the password for `admin` that works once; None if somebody has signed up before."""

    url: str
    password: str | None


def start(stack: Stack, port: int | None = None) -> RunningConsole:
    """Starts the stack's console, and returns when it answers. Raises RuntimeError if it does not."""
    port = port or (USUAL_PORT if is_free(USUAL_PORT) else free_ports(1)[0])
    stack.start_console(f"127.0.0.1:{port}")
    url, log = f"http://127.0.0.1:{port}", stack.root / "log" / "console.log"
    deadline = time.monotonic() + PATIENCE
    while not _answers(url):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the console has not answered in {PATIENCE:g} s: {_said(log)[-2000:]}")
        time.sleep(0.2)
    found = _PASSWORD.search(_said(log))
    return RunningConsole(url, found[1] if found else None)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/static/icon.svg", timeout=5):  # noqa: S310  # our own address
            return True
    except (URLError, OSError):
        return False


def _said(log: Path) -> str:
    return log.read_text() if log.exists() else ""
