"""The README's way from nothing to a scheduled snapshot on a cluster: its commands as they stand there, and
somebody who types them."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
SECTION = "### From nothing to a scheduled snapshot on a cluster"
LEFT_OUT = ("docker build",)
"""How commands begin that nobody can type here: there is neither Docker nor a registry. The image is made by
`deploy.local.image`, and brought into the nodes."""
FORWARD, DESTINATION, APP = "port-forward", "snapline set destination", "snapline set app"
PATIENCE = 900
"""Seconds that a command may take: one waits until everything runs."""


def commands() -> list[str]:
    """All that the section tells people to type, in order, without remarks, and without what is left out."""
    _, found, text = README.read_text().partition(f"{SECTION}\n")
    assert found, f"README.md has no section {SECTION!r}"
    lines = [line.partition("  #")[0].strip() for line in text.split("```")[1].splitlines()]
    assert all(any(line.startswith(known) for line in lines) for known in LEFT_OUT)
    return [line for line in lines if line and not line.startswith(LEFT_OUT)]


@dataclass(frozen=True)
class Person:
    """Somebody with a shell in `folder`, a kubeconfig and kubectl, who has other things than the README's examples:
    what stands for them is in `own`. `secrets` is what is typed where a command asks for it."""

    folder: Path
    own: Mapping[str, str]
    secrets: str

    def __post_init__(self) -> None:
        typed = "\n".join(commands())
        assert [each for each in self.own if each not in typed] == [], "examples that the README has no more"

    def types(self, command: str) -> str:
        """What it says. Fails if the command fails."""
        given = self.secrets if command.startswith(DESTINATION) else ""
        done = subprocess.run(
            ["bash", "-c", self._mine(command)],
            cwd=self.folder,
            env=_environment(),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (
            f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout

    def looks_at(self, url: str, command: str) -> bytes:
        """What is at the address while the command runs, which does not end by itself."""
        running = subprocess.Popen(
            ["bash", "-c", f"exec {self._mine(command)}"],
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 120
            while running.poll() is None and time.monotonic() < deadline:
                with suppress(OSError), urllib.request.urlopen(url, timeout=30) as page:
                    return bytes(page.read())
                time.sleep(0.5)
            raise AssertionError(f"{command}: nothing answers at {url}")
        finally:
            running.terminate()
            running.wait()

    def _mine(self, command: str) -> str:
        for example, mine in self.own.items():
            command = command.replace(example, mine)
        return command


def _environment() -> dict[str, str]:
    """With the commands of this checkout, and kubectl as old as the server, if there is one."""
    config = Path(os.environ["SNAPLINE_E2E_KUBECONFIG"])
    path = f"{config.parents[1] / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SNAPLINE_")}
    return plain | {"PATH": path, "KUBECONFIG": str(config)}
