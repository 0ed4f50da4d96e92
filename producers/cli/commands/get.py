"""`snapline get` and `describe`."""

from typing import Annotated

import typer

from producers.cli import rows
from producers.cli.context import OutputOption, session_of
from producers.cli.render import Output, show
from producers.views import jobs
from producers.views.applications import applications
from producers.views.catalog import open_catalog

get = typer.Typer(no_args_is_help=True, help="List backups, restores or applications.")
describe = typer.Typer(no_args_is_help=True, help="Show all that is known of one backup or restore.")
Name = Annotated[str, typer.Argument(help="Its name.")]


@get.command("backups")
def get_backups(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """All backups, running ones too."""
    found = open_catalog(session_of(ctx)).backups()
    show([rows.backup(each) for each in found], output, rows.BACKUP_COLUMNS)


@get.command("restores")
def get_restores(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """All restores, running ones too."""
    found = open_catalog(session_of(ctx)).restores()
    show([rows.restore(each) for each in found], output, rows.RESTORE_COLUMNS)


@get.command("apps")
def get_apps(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """The registered applications, and what their licenses allow."""
    show([rows.application(each) for each in applications(session_of(ctx))], output)


@describe.command("backup")
def describe_backup(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """One backup."""
    show(rows.backup_details(jobs.backup(session_of(ctx).store(), name), output), output)


@describe.command("restore")
def describe_restore(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """One restore."""
    show(rows.restore_details(jobs.restore(session_of(ctx).store(), name), output), output)
