"""A program in a terminal of its own: what somebody types, and what is on the screen then."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>]|\].*?\x07)")


class Terminal:
    """Use as a context manager; at its end the program is killed."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(environment), start_new_session=True
        )
        os.close(theirs)
        self.screen = ""

    def press(self, text: str) -> None:
        """Keys are pressed; what was on the screen before is forgotten."""
        self.screen = ""
        os.write(self._ours, text.encode())

    def until(self, words: str, seconds: float = 60) -> None:
        """Waits until that is to be read."""
        deadline = time.monotonic() + seconds
        while words not in self.screen:
            assert time.monotonic() < deadline, f"there is no {words!r} in {self.screen!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.screen += ESCAPES.sub("", os.read(self._ours, 65536).decode(errors="replace"))
                except OSError:  # the other side is closed
                    assert words in self.screen, f"there is no {words!r} in {self.screen!r}"

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
