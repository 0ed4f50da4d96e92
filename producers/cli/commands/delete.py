"""`snapline delete`: backups for good; of all else what the console's namespace keeps."""

from typing import Annotated

import typer

from producers.actions.jobs import Requested
from producers.cli import reclaimed
from producers.cli.bars import work_bar
from producers.cli.commands.app import remove as remove_app
from producers.cli.commands.bus import drop
from producers.cli.commands.notify import remove as remove_notification
from producers.cli.commands.objective import remove as remove_objective
from producers.cli.commands.outside import delete_event_token
from producers.cli.commands.people import delete_token, delete_user
from producers.cli.commands.schedule import remove as remove_schedule
from producers.cli.commands.storage import remove_ as remove_destination
from producers.cli.context import DestinationOption, OutputOption, confirmed, note, notes, where
from producers.cli.exits import Exit
from producers.cli.follow import warn_if_nobody_listens
from producers.cli.reach import Reach, reach_of
from producers.cli.render import Output, Row, show
from schemas import events as e
from schemas.events import THE_DEFAULT

delete = typer.Typer(no_args_is_help=True, help="Delete backups; forget an app, a schedule, a destination.")
delete.command("app")(remove_app)
delete.command("schedule")(remove_schedule)
delete.command("destination")(remove_destination)
delete.command("notification")(remove_notification)
delete.command("objective")(remove_objective)
delete.command("event-token")(delete_event_token)
delete.command("user")(delete_user)
delete.command("access-token")(delete_token)
delete.command("dead-letters")(drop)


@delete.command("backups", hidden=True)
@delete.command("backup")
def delete_backup(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of backups.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    follow: Annotated[bool, typer.Option("--wait", help="Wait until they are gone.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="With --wait: seconds, all in all; 0 is for ever.")] = 0,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete backups, and what only they refer to."""
    reach, chosen = reach_of(ctx), list(dict.fromkeys(names))
    for name in chosen:
        reach.may_be_deleted(name, destination)
    confirmed(f"Delete {', '.join(chosen)}, and what only {'it refers' if len(chosen) == 1 else 'they refer'} to?", yes)
    asked = [reach.delete(name, destination) for name in chosen]
    warn_if_nobody_listens(reach, "repository.maintain")
    if follow:
        found = [_gone(reach, each, timeout) for each in asked]
    else:
        found = [{"name": each.job.name, "status": "Requested"} for each in asked]
        note(f"`snapline get backups{where(destination)}` shows what is still there")
    show(found[0] if len(found) == 1 else found, output)
    statuses = {row["status"] for row in found}
    if "Failed" in statuses:
        raise typer.Exit(Exit.FAILED)
    if follow and "Requested" in statuses:
        note(f"not all are gone after {timeout:g} s; it goes on")
        raise typer.Exit(Exit.TIMED_OUT)


def _gone(reach: Reach, requested: Requested, timeout: float) -> Row:
    """What became of one deletion."""
    name = requested.job.name
    with work_bar(notes) as bar:
        answer = reach.deletion(requested, timeout or None, bar)
    if answer is None:
        return {"name": name, "status": "Requested"}
    if isinstance(answer, e.BackupDeleteFailed):
        return {"name": name, "status": "Failed", "reason": str(answer.reason)}
    reclaimed.say_what_stays(answer)
    return {"name": name, "status": "Deleted", **reclaimed.row(answer)}
