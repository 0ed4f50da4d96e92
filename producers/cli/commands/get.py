"""`snapline get` and `describe`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from producers.cli import rows
from producers.cli.context import DestinationOption, OutputOption, note, session_of
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, show
from producers.session import Session
from producers.views import jobs
from producers.views.applications import applications
from producers.views.catalog import MOST_REJECTED, open_catalog
from producers.views.hooks import HookView, hooks
from producers.views.jobs import BackupView, RestoreView
from schemas.events import DEFAULT_DESTINATION
from schemas.records import HookResult

get = typer.Typer(no_args_is_help=True, help="List backups, restores or applications.")
describe = typer.Typer(no_args_is_help=True, help="Show all that is known of one backup or restore.")
Name = Annotated[str, typer.Argument(help="Its name.")]


@get.command("backups")
def get_backups(
    ctx: typer.Context, destination: DestinationOption = DEFAULT_DESTINATION, output: OutputOption = Output.TABLE
) -> None:
    """All backups, running ones too, and requests that were rejected."""
    found = open_catalog(session_of(ctx), destination).backups()
    columns = rows.SNAPSHOT_COLUMNS if any(each.snapshot_of for each in found) else rows.BACKUP_COLUMNS
    show([rows.backup(each) for each in found], output, columns)
    _remark(found)


@get.command("restores")
def get_restores(
    ctx: typer.Context, destination: DestinationOption = DEFAULT_DESTINATION, output: OutputOption = Output.TABLE
) -> None:
    """All restores, running ones too, and requests that were rejected."""
    found = open_catalog(session_of(ctx), destination).restores()
    show([rows.restore(each) for each in found], output, rows.RESTORE_COLUMNS)
    _remark(found)


@get.command("apps")
def get_apps(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """The registered applications, and what their licenses allow."""
    show([rows.application(each) for each in applications(session_of(ctx))], output)


@describe.command("backup")
def describe_backup(
    ctx: typer.Context,
    name: Name,
    destination: DestinationOption = DEFAULT_DESTINATION,
    output: OutputOption = Output.TABLE,
) -> None:
    """One backup: its volumes, its hooks and what they said, and what is missing and why."""
    session = session_of(ctx)
    details = jobs.backup(session.store(destination), name)
    show(rows.backup_details(details, _hooks(session, destination, details.hooks), output), output)


@describe.command("restore")
def describe_restore(
    ctx: typer.Context,
    name: Name,
    destination: DestinationOption = DEFAULT_DESTINATION,
    output: OutputOption = Output.TABLE,
) -> None:
    """One restore: what it deletes, its safety snapshot, its hooks and what they said, and what is missing and why."""
    session = session_of(ctx)
    details = jobs.restore(session.store(destination), name)
    show(rows.restore_details(details, _hooks(session, destination, details.hooks), output), output)


def _hooks(session: Session, destination: str, results: Sequence[HookResult]) -> tuple[HookView, ...]:
    return hooks(session.store(destination), results, lambda: session.repository(destination))


def _remark(found: Sequence[BackupView | RestoreView]) -> None:
    for each in found:
        if each.status == "Unreadable" and each.reason:
            note(f"{each.name}: {with_remedy(each.reason)}")
    if sum(each.status == "Rejected" for each in found) >= MOST_REJECTED:
        note(f"of rejected requests, only the newest {MOST_REJECTED} are listed")
