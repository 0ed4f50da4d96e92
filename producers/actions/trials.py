"""A test restore of volumes alone, where there is no cluster at hand: into a directory that is removed in the end.
Importing it takes a third of a second, for the repository's code."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.session import Session
from producers.views import volumes
from schemas import keys
from schemas.errors import Code, Damaged, Invalid
from schemas.events import THE_DEFAULT
from schemas.job import backup
from schemas.messages import Message, shortened, told
from schemas.records import RestoreTested
from schemas.settings import PREFIX
from workers.jobs import ledger

CHECK_SECONDS = 3600.0
STDERR = 2
"""Results alone go to standard output."""
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Tried:
    """What came of it; `seconds` until the files were there and the check had ended."""

    volumes: int
    files: int
    bytes: int
    seconds: float
    problems: tuple[Message, ...] = ()


def in_directory(session: Session, name: str, command: Sequence[str] = (), *, destination: str = THE_DEFAULT) -> Tried:
    """Restores the volumes of a backup into a temporary directory (TMPDIR says where), each below
    `<namespace>/<claim>`, runs `command` there, and removes it. Records the result with the backup. Raises NotFound,
    Denied, and Invalid where nothing can be written."""
    destination = session.named(destination)
    store, repository = session.store(destination), session.repository(destination)
    found = volumes.volumes(store, name)
    began, files, size, problems = time.monotonic(), 0, 0, list[Message]()
    try:
        with tempfile.TemporaryDirectory(prefix="snapline-test-restore-") as root:
            for volume in found:
                target = Path(root) / volume.key
                target.mkdir(parents=True)
                try:
                    done = repository.restore(
                        volume.volume_id, target, checkpoint=None, stop=lambda: False, progress=lambda _: None
                    )
                except Damaged as error:
                    problems.append(told(error))
                    continue
                files, size = files + done.files, size + done.bytes
                problems += [Message(code=Code.FILE_NOT_RESTORED, text=f"{volume.key}: {lost}") for lost in done.lost]
            problems += _check(command, root) if command and not problems else []
            seconds = time.monotonic() - began
    except OSError as error:
        raise Invalid(f"{tempfile.gettempdir()} cannot be written to: {error.strerror}") from error
    kept = [shortened(problem) for problem in problems[:MOST_PROBLEMS]]
    ledger.put(
        store, keys.test_restored(backup(name)), RestoreTested(at=ledger.clock(store), seconds=seconds, problems=kept)
    )
    return Tried(len(found), files, size, seconds, tuple(problems))


def _environment() -> dict[str, str]:
    """Ours, without what opens the backups."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _check(command: Sequence[str], root: str) -> list[Message]:
    try:
        done = subprocess.run(
            command,
            cwd=root,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
            timeout=CHECK_SECONDS,
            env=_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Message(code=Code.CHECK_FAILED, text=f"the check command could not be run: {type(error).__name__}")]
    if done.returncode:
        return [Message(code=Code.CHECK_FAILED, text=f"the check command ended with exit code {done.returncode}")]
    return []
