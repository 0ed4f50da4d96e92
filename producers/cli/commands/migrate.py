"""`snapline migrate`: whether what is stored is of this version, and what to do if not."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from producers.cli.context import OutputOption, note, session_of
from producers.cli.exits import Exit
from producers.cli.render import Output, show

if TYPE_CHECKING:
    from producers.views.upgrade import Part

COLUMNS = ("where", "what", "count", "standing", "text")
OLDER = (
    "what is older stays readable, and nothing has to be done; `snapline repository key rotate` replaces an older key, "
    "when all workers are of this version"
)
NEWER = "a newer Snapline has written there: start no worker of this version, and use the newer one"
UNREADABLE = "what cannot be read is shown by `snapline describe`, and set anew by `snapline set`"


def migrate(
    ctx: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit code 1 if anything is older.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Bring what is stored to this version. So far nothing has to be: every version reads what is there."""
    from producers.views import upgrade

    parts = list(upgrade.looked_at(session_of(ctx)))
    show([asdict(part) for part in parts], output, COLUMNS)
    raise typer.Exit(_said(parts, check))


def _said(parts: "Sequence[Part]", check: bool) -> Exit:
    from producers.views.upgrade import worst

    match worst(parts):
        case "newer":
            note(NEWER)
            return Exit.REJECTED
        case "unreadable":
            note(UNREADABLE)
            return Exit.FAILED
        case "older":
            note(OLDER)
            return Exit.FAILED if check else Exit.OK
        case "current":
            note("all that is stored is of this version")
            return Exit.OK
