"""kubectl, for the cluster at SNAPLINE_E2E_KUBECONFIG."""

import os
import subprocess
from pathlib import Path


def kubectl(*arguments: str, given: str | None = None) -> str:
    """What it says. Raises CalledProcessError, with what it has said on standard error as a note."""
    asked = [*command(), *arguments]
    done = subprocess.run(asked, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        failed = subprocess.CalledProcessError(done.returncode, asked, done.stdout, done.stderr)
        failed.add_note(done.stderr[-4000:])
        raise failed
    return done.stdout


def command() -> list[str]:
    """The program, for the cluster of the tests: as old as the server, if there is one."""
    config = Path(os.environ["SNAPLINE_E2E_KUBECONFIG"])
    beside = config.parents[1] / "bin" / "kubectl"
    return [str(beside) if beside.exists() else "kubectl", "--kubeconfig", str(config)]
