"""`snapline describe`: all that is known of one thing."""

from dataclasses import asdict
from typing import Annotated

import typer

from producers.actions import events
from producers.cli import notified, rows
from producers.cli.commands.storage import show_ as describe_destination
from producers.cli.context import DestinationOption, OutputOption, session_of
from producers.cli.reach import reach_of
from producers.cli.render import Output, show
from producers.views.notifying import targets
from schemas.events import THE_DEFAULT

describe = typer.Typer(no_args_is_help=True, help="Show all that is known of one backup, restore, app and so on.")
describe.command("destination")(describe_destination)
Name = Annotated[str, typer.Argument(help="Its name.")]


@describe.command("backup")
def describe_backup(
    ctx: typer.Context,
    name: Name,
    objects: Annotated[bool, typer.Option("--objects", help="List the objects that it holds, too.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """One backup: its volumes, its hooks and what they said, and what is missing and why."""
    reach = reach_of(ctx)
    row = rows.backup_details(*reach.backup(name, destination), output)
    if objects:
        held = reach.contents(name, destination)
        row["contents"] = [asdict(each) | {"owners": list(each.owners)} for each in held]
    show(row, output)


@describe.command("restore")
def describe_restore(
    ctx: typer.Context,
    name: Name,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """One restore: what it deletes, its safety snapshot, its hooks and what they said, and what is missing and why."""
    show(rows.restore_details(*reach_of(ctx).restored(name, destination), output), output)


@describe.command("app")
def describe_app(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """One application, and what its license allows."""
    show(rows.application(reach_of(ctx).application(name)), output)


@describe.command("schedule")
def describe_schedule(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """One schedule: what it means, its next five runs, and what became of the last ones."""
    show(rows.schedule_details(reach_of(ctx).schedule(name), output), output)


@describe.command("notification")
def describe_notification(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """One target of notifications, and of what it is told."""
    show(notified.target(targets.view(targets.target(session_of(ctx), name))), output)


@describe.command("dead-letter")
def describe_dead_letter(
    ctx: typer.Context,
    queue: Annotated[str, typer.Argument(help="The queue that it was for.")],
    letter_id: Annotated[str, typer.Argument(help="Its id.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """One dead letter, with its body."""
    letter = events.dead_letter(session_of(ctx), queue, letter_id)
    show(rows.dead_letter(letter) | {"body": letter.body.decode(errors="replace")[:10_000]}, output)
