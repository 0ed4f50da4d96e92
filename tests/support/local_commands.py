"""Commands of a twin's containers, as processes of this machine."""

import os
import signal
import subprocess
from collections.abc import Sequence
from datetime import timedelta

from schemas.kubernetes import Object
from workers.adapters.twins.commands import Ended


def run_here(pod: Object, container: str, command: Sequence[str], deadline: timedelta) -> Ended:
    """Runs the command; kills it with its children at the deadline."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, process_group=0)
    except FileNotFoundError as error:
        return Ended(127, stderr=str(error).encode())
    except PermissionError as error:
        return Ended(126, stderr=str(error).encode())
    with process:
        try:
            out, err = process.communicate(timeout=deadline.total_seconds())
        except subprocess.TimeoutExpired as expired:
            os.killpg(process.pid, signal.SIGKILL)
            return Ended(None, expired.stdout or b"", expired.stderr or b"")
    return Ended(128 - process.returncode if process.returncode < 0 else process.returncode, out, err)
