"""Commands that need little import little: what is slow to import is imported when it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("boto3", "botocore", "kubernetes", "pika", "dramatiq", "urllib3", "cryptography", "structlog", "yaml")
SLOWISH = (*SLOW, "rich", "schemas", "producers.session", "workers")


def _imported(arguments: list[str], **environment: str) -> set[str]:
    """The modules that are there when the command ends."""
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('IMPORTED', *sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['snapline', *{arguments!r}]\n"
        "from producers.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/usr/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "IMPORTED" in done.stderr, done.stderr
    return set(done.stderr.rpartition("IMPORTED")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["version"], ["--version"], ["completion", "bash"]])
def test_what_needs_nothing_imports_nothing(arguments: list[str]) -> None:
    found = _imported(arguments)
    assert [name for name in SLOWISH if name in found] == []


def test_a_completion_of_a_command_imports_nothing_either() -> None:
    asked = {"_SNAPLINE_COMPLETE": "complete_bash", "COMP_WORDS": "snapline ge", "COMP_CWORD": "1"}
    found = _imported([], **asked)
    assert [name for name in SLOWISH if name in found and name != "rich"] == []


@pytest.mark.parametrize("command", ["get backups -o json", "describe backup x", "get --help", "backup --help"])
def test_what_looks_into_a_directory_imports_no_sdk(command: str, tmp_path: Path) -> None:
    found = _imported(command.split(), SNAPLINE_DIRECTORY=str(tmp_path), SNAPLINE_CACHE=str(tmp_path))
    sdks = ("boto3", "botocore", "kubernetes", "pika", "dramatiq", "urllib3", "prometheus_client", "opentelemetry")
    assert [name for name in sdks if name in found] == []


def test_a_worker_of_which_nobody_wants_to_know_imports_nothing_for_that() -> None:
    program = (
        "import sys\n"
        "from schemas.settings import Settings\n"
        "from workers import app, line\n"
        "from workers.needs import Needs\n"
        "app.make_broker(Needs(Settings()))\n"
        "print(*[name for name in ('prometheus_client', 'opentelemetry') if name in sys.modules])\n"
    )
    environment = {"PATH": "/usr/bin", "OTEL_SERVICE_NAME": "x"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
