"""`snapline hold`, `snapline unhold`."""

from typing import Annotated

import typer

from producers.actions import holds
from producers.cli.context import DestinationOption, note, session_of
from schemas.events import THE_DEFAULT
from workers.retention.holds import said

Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Names of backups.")]


def hold(
    ctx: typer.Context,
    names: Names,
    reason: Annotated[str, typer.Option(help="Why; it is shown with the backup.")] = "",
    destination: DestinationOption = THE_DEFAULT,
) -> None:
    """Keep backups from being deleted, by rule or by hand, until somebody lets them go."""
    for name in dict.fromkeys(names):
        note(f"{name} is held{said(holds.hold(session_of(ctx), name, reason, destination=destination))}")


def unhold(ctx: typer.Context, names: Names, destination: DestinationOption = THE_DEFAULT) -> None:
    """Let backups go that are held: retention and people may delete them again."""
    for name in dict.fromkeys(names):
        was = holds.unhold(session_of(ctx), name, destination=destination)
        note(f"{name} is no longer held; it was held{said(was)}" if was else f"{name} was not held")
