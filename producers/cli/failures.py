"""What went wrong, on standard error: a line for people, an object for programs; and the exit code."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from producers.cli.context import note
from producers.cli.exits import Exit
from producers.cli.outcomes import of_error
from producers.cli.remedies import remedy
from schemas.errors import SnaplineError


def said(error: BaseException, arguments: Sequence[str]) -> int:
    """Says it, and what to do about it; the exit code. Raises what is no failure."""
    match error:
        case SnaplineError():
            return _say(of_error(error), str(error.code), str(error), remedy(error, " ".join(arguments)), arguments)
        case NoArgsIsHelpError():
            error.show()
            return Exit.USAGE
        case ClickException():
            usage = error.ctx.command_path if isinstance(error, UsageError) and error.ctx else "snapline"
            text = error.format_message().rstrip(".")
            return _say(Exit.USAGE, "Usage", text, f"`{usage} --help` shows the way", arguments)
        case KeyboardInterrupt():
            return Exit.INTERRUPTED
        case typer.Abort():
            return _say(Exit.USAGE, "Usage", "nothing was entered", "", arguments)
        case BrokenPipeError():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: say no more
            return Exit.FAILED
        case Exception():
            text = f"this is a fault of Snapline's own ({_kept(error)} has it)"
            return _say(Exit.FAILED, "Fault", text, "", arguments)
    raise error


def _say(exit_code: Exit, code: str, text: str, what_to_do: str, arguments: Sequence[str]) -> int:
    if _for_programs(arguments):
        failure: dict[str, Any] = {
            "message_type": "exit_error",
            "code": int(exit_code),
            "reason": code,
            "message": text,
        }
        print(json.dumps(failure | {"remedy": what_to_do}), file=sys.stderr)  # noqa: T201  # where failures go
    else:
        note(f"snapline: {text}" + (f"; {what_to_do}" if what_to_do else ""))
    return int(exit_code)


def _for_programs(arguments: Sequence[str]) -> bool:
    """Whether results were asked for as JSON, of a command that may not have been understood."""
    joined = " ".join(arguments)
    return any(wanted in f" {joined} " for wanted in (" -o json ", " -ojson ", " --output json ", " --output=json "))


def _kept(error: Exception) -> str:
    """The file that has where it happened."""
    with tempfile.NamedTemporaryFile("w", prefix="snapline-fault-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return file.name
