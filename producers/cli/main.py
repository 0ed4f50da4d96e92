"""The command line: `snapline`. Results on standard output, the rest on standard error."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from producers.cli.commands import bus, files, get, jobs, repository, schedule, storage, workshop
from producers.cli.commands.app import app as applications
from producers.cli.context import note
from producers.cli.exits import EPILOG, Exit, of_error
from producers.cli.remedies import with_remedy
from schemas.errors import SnaplineError

cli = typer.Typer(
    name="snapline",
    help="Back up and restore applications on Kubernetes.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # whose help cuts names of options where the terminal is narrow
    add_completion=False,
)
cli.command()(jobs.backup)
cli.command()(jobs.restore)
cli.add_typer(get.get, name="get")
cli.add_typer(get.describe, name="describe")
cli.add_typer(jobs.delete, name="delete")
cli.command()(jobs.cancel)
cli.add_typer(applications, name="app")
cli.add_typer(storage.storage, name="storage")
cli.add_typer(files.files, name="files")
cli.add_typer(repository.repository, name="repository")
cli.add_typer(schedule.schedule, name="schedule")
cli.add_typer(bus.events, name="events")
cli.command()(bus.publish)
cli.add_typer(bus.dead_letters, name="dead-letters")
cli.command()(workshop.worker)
cli.command()(schedule.scheduler)
cli.command()(workshop.schema)
cli.command()(workshop.settings)


def _version(wanted: bool) -> None:
    if wanted:
        print(version("snapline"))  # noqa: T201  # the result
        raise typer.Exit


@cli.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Back up and restore applications on Kubernetes."""


def main() -> None:
    """Runs one command; expected errors are one line and an exit code."""
    try:
        cli()
    except SnaplineError as error:
        note(f"snapline: {with_remedy(error, ' '.join(sys.argv[1:]))}")
        sys.exit(of_error(error))
    except KeyboardInterrupt:
        note("interrupted; a job that was requested goes on, `snapline get backups` shows it")
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
