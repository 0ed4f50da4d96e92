"""`snapline version` and `completion`, which need nothing of the system."""

from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import typer

NAME = "snapline"
VARIABLE = "_SNAPLINE_COMPLETE"


class Shell(StrEnum):
    """Those that there are scripts for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def version_() -> None:
    """Say which version this is."""
    print(version(NAME))  # noqa: T201  # the result


def completion(shell: Annotated[Shell, typer.Argument(help="Whose script.")]) -> None:
    """Print the completion script for a shell. Bash: `. <(snapline completion bash)`. Zsh: `. <(snapline completion
    zsh)` after `compinit`. Fish: `snapline completion fish | source`."""
    from typer._completion_shared import get_completion_script

    print(get_completion_script(prog_name=NAME, complete_var=VARIABLE, shell=shell.value))  # noqa: T201  # the result


def complete(cli: typer.Typer) -> None:
    """Answers the shell, by the environment, and exits."""
    from typer._completion_classes import completion_init

    completion_init()
    cli(prog_name=NAME)
