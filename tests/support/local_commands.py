"""Commands of a twin's containers, as processes of this machine."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import IO

from schemas.kubernetes import Object
from workers.adapters.twins.commands import Ended

KEPT = 64 * 1024
"""Of each output, the last so many bytes."""


def run_here(pod: Object, container: str, command: Sequence[str], deadline: timedelta) -> Ended:
    """Runs the command; kills it with its children at the deadline."""
    end, pipe = time.monotonic() + deadline.total_seconds(), subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, process_group=0)
    except FileNotFoundError as error:
        return Ended(127, stderr=str(error).encode())
    except PermissionError as error:
        return Ended(126, stderr=str(error).encode())
    assert process.stdout
    assert process.stderr
    with process:
        out, err, ended = _read(process.stdout, process.stderr, end)
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
            return Ended(None, out, err)
    return Ended(128 - process.returncode if process.returncode < 0 else process.returncode, out, err)


def _read(stdout: IO[bytes], stderr: IO[bytes], end: float) -> tuple[bytes, bytes, bool]:
    """What both said until `end`, and whether both have come to theirs."""
    said = {stdout.fileno(): b"", stderr.fileno(): b""}
    with selectors.DefaultSelector() as selector:
        for descriptor in said:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                data = os.read(key.fd, KEPT)
                said[key.fd] = (said[key.fd] + data)[-KEPT:]
                if not data:
                    selector.unregister(key.fd)
        return said[stdout.fileno()], said[stderr.fileno()], not selector.get_map()
