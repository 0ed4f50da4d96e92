"""Completions are installed and tried in real shells, by the key that people press."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

BIN = Path(sys.executable).parent
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ". <(snapline completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; . <(snapline completion zsh)"),
}


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb", "PS1": "> "}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_values(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    command, install = SHELLS[shell]
    with Terminal(command, _environment(tmp_path)) as terminal:
        terminal.press(f"{install} && echo rea''dy\n")
        terminal.until("ready")
        for begun, whole in (
            ("snapline repos", "snapline repository"),
            ("snapline get back", "snapline get backups"),
            ("snapline get backups --sched", "snapline get backups --schedule"),
            ("snapline get backups -o js", "snapline get backups -o json"),
        ):
            terminal.press(f"\x15{begun}\t")
            terminal.until(whole)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell_that_it_takes(shell: str, tmp_path: Path) -> None:
    script = subprocess.run([str(BIN / "snapline"), "completion", shell], capture_output=True, text=True, check=True)
    assert "_SNAPLINE_COMPLETE" in script.stdout
    assert script.stderr == ""
    if shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script.stdout)
        checked = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_fish_is_told_names_and_what_they_are() -> None:
    asked = {**_environment(Path("/nonexistent")), "_SNAPLINE_COMPLETE": "complete_fish"}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_ARGS": "snapline des"}
    told = subprocess.run([str(BIN / "snapline")], env=asked, capture_output=True, text=True, check=True)
    assert told.stdout == "describe\tShow all that is known of one of them.\n"
