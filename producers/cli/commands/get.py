"""`snapline get` and `describe`."""

from typing import Annotated

import typer

from producers.cli import context
from producers.cli.commands.app import app_rows
from producers.cli.context import OutputOption
from producers.cli.render import Output, show
from producers.views import jobs
from schemas.job import Job

get = typer.Typer(no_args_is_help=True, help="List backups, restores or applications.")
describe = typer.Typer(no_args_is_help=True, help="Show all that is known of one backup or restore.")
Name = Annotated[str, typer.Argument(help="Its name.")]


@get.command("backups")
def get_backups(output: OutputOption = Output.TABLE) -> None:
    """All backups, running ones too."""
    show(list(jobs.jobs(context.store(), "backup")), output, jobs.BACKUP_COLUMNS)


@get.command("restores")
def get_restores(output: OutputOption = Output.TABLE) -> None:
    """All restores, running ones too."""
    show(list(jobs.jobs(context.store(), "restore")), output, jobs.RESTORE_COLUMNS)


@get.command("apps")
def get_apps(output: OutputOption = Output.TABLE) -> None:
    """The registered applications, and what their licenses allow."""
    show(app_rows(), output)


@describe.command("backup")
def describe_backup(name: Name, output: OutputOption = Output.TABLE) -> None:
    """One backup."""
    show(jobs.job(context.store(), Job("backup", name)), output)


@describe.command("restore")
def describe_restore(name: Name, output: OutputOption = Output.TABLE) -> None:
    """One restore."""
    show(jobs.job(context.store(), Job("restore", name)), output)
