"""The secrets that a command takes: from where they are kept, or from standard input; never printed.

What stands on a command line is seen by everybody on the machine who lists processes, so that is the last resort.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from producers.cli.context import typed_in

FROM_INPUT = "-"
"""In place of a secret on the command line: it comes on standard input."""
SEEN = "everybody on this machine can see it in `ps`; `-`, or leaving it out, takes it from standard input"

SecretOption = Annotated[
    str | None,
    typer.Option(
        "--secret", metavar="NAME[/KEY]", help="Kubernetes Secret that keeps the credentials; or env:VARIABLE."
    ),
]
PassphraseOption = Annotated[
    str | None,
    typer.Option("--passphrase-secret", metavar="NAME[/KEY]", help="Kubernetes Secret that keeps it; or env:VARIABLE."),
]


@dataclass(frozen=True)
class Wanted:
    """A secret of which a command has need: how it is asked for, what the command line has of it, and where it is kept
    if not here."""

    prompt: str
    given: str | None = None
    kept_in: str | None = None


@dataclass(frozen=True)
class Secrets:
    """The values by field, and of the others where they are kept."""

    values: Mapping[str, str]
    references: Mapping[str, str]


def secrets(wanted: Mapping[str, Wanted]) -> Secrets:
    """Those that are neither given nor kept elsewhere are asked for, or are the lines of standard input in that order;
    an empty one is left as it was. Raises Invalid for input that is no text."""
    references = {field: each.kept_in for field, each in wanted.items() if each.kept_in}
    here = {field: each.given for field, each in wanted.items() if each.given and each.given != FROM_INPUT}
    left = {field: each.prompt for field, each in wanted.items() if field not in {*references, *here}}
    return Secrets({**here, **(_asked(left) if left else {})}, references)


def _asked(prompts: Mapping[str, str]) -> dict[str, str]:
    if sys.stdin.isatty():
        return {
            field: typer.prompt(
                f"{prompt} (nothing keeps what is stored)", hide_input=True, default="", show_default=False, err=True
            )
            for field, prompt in prompts.items()
        }
    lines = [*typed_in().splitlines(), *[""] * len(prompts)]
    return dict(zip(prompts, lines, strict=False))
