"""The command line: `snapline`. Results on standard output, the rest on standard error."""

import os
import sys
from typing import Annotated

import typer

from producers.cli.exits import EPILOG
from producers.cli.lazy import Entry, LazyGroup

ROOM = "producers.cli.commands"


class Commands(LazyGroup):
    """All commands, in the order in which they are listed."""

    table = {
        "backup": Entry(f"{ROOM}.jobs:backup_group", "Take a snapshot."),
        "restore": Entry(f"{ROOM}.jobs:restore_group", "Restore from a backup, or go back to before a restore."),
        "wait": Entry(f"{ROOM}.jobs:wait_", "Follow a backup or restore to its end."),
        "cancel": Entry(f"{ROOM}.jobs:cancel", "Cancel a running backup or restore."),
        "logs": Entry(f"{ROOM}.logs:logs", "What has happened to a backup or restore."),
        "get": Entry(f"{ROOM}.get:get", "List backups, restores, apps, schedules, destinations and so on."),
        "describe": Entry(f"{ROOM}.describe:describe", "Show all that is known of one of them."),
        "set": Entry(f"{ROOM}.set:set_", "Make or change an app, a schedule, a destination and so on."),
        "delete": Entry(f"{ROOM}.delete:delete", "Delete backups; forget an app, a schedule, a destination and so on."),
        "hold": Entry(f"{ROOM}.holds:hold", "Keep backups from being deleted."),
        "unhold": Entry(f"{ROOM}.holds:unhold", "Let backups go that are held."),
        "schedule": Entry(f"{ROOM}.schedule:schedule", "Snapshots by the clock: set, pause, preview, run now."),
        "retention": Entry(f"{ROOM}.retention:retention", "For how long backups are kept: set, show, preview."),
        "check": Entry(f"{ROOM}.storage:check_", "Try all that Snapline needs of a destination."),
        "notify": Entry(f"{ROOM}.notify:notify", "Try notifications, and look at what became of them."),
        "verify": Entry(f"{ROOM}.verify:verify", "Have a backup read back by the workers."),
        "copy": Entry(f"{ROOM}.copies:copy", "Copy a backup to another destination."),
        "test-restore": Entry(f"{ROOM}.test_restore:try_restore", "Restore a backup on trial, and check it."),
        "files": Entry(f"{ROOM}.files:files", "Look into a backup, and take single files out of it."),
        "repository": Entry(f"{ROOM}.repository:repository", "The volume repository: make, check, verify, prune."),
        "events": Entry(f"{ROOM}.bus:events", "The event log."),
        "publish": Entry(f"{ROOM}.bus:publish", "Publish one event."),
        "redrive": Entry(f"{ROOM}.bus:redrive", "Give dead letters back to their queue."),
        "broker": Entry(f"{ROOM}.broker:broker", "What is to be on RabbitMQ: queues, users and their rights."),
        "worker": Entry(f"{ROOM}.workshop:worker", "Serve one queue until stopped."),
        "scheduler": Entry(f"{ROOM}.schedule:scheduler", "Ask for what is due, until stopped."),
        "watch-upgrades": Entry(f"{ROOM}.outside:watch_upgrades", "Back up before upgrades, until stopped."),
        "serve-events": Entry(f"{ROOM}.outside:serve_events", "Take requests over HTTP, until stopped."),
        "console": Entry(f"{ROOM}.console:console", "The admin console: serve it to browsers, until stopped."),
        "serve-api": Entry(f"{ROOM}.outside:serve_api", "Serve the HTTP API alone, until stopped."),
        "install": Entry(f"{ROOM}.install:install", "On a cluster: print the objects, or say what it lacks."),
        "make-accounts": Entry(f"{ROOM}.install:make_accounts", hidden=True),
        "settings": Entry(f"{ROOM}.workshop:settings", "Every SNAPLINE_ variable, and whether it is set."),
        "migrate": Entry(f"{ROOM}.migrate:migrate", "Whether what is stored is of this version; and bring it there."),
        "completion": Entry(f"{ROOM}.bare:completion", "The completion script for a shell."),
        "version": Entry(f"{ROOM}.bare:version_", "Say which version this is."),
        "schema": Entry(f"{ROOM}.workshop:schema", hidden=True),
        # Other spellings, of nouns first.
        "app": Entry(f"{ROOM}.app:app", hidden=True),
        "storage": Entry(f"{ROOM}.velero:storage", hidden=True),
        "velero": Entry(f"{ROOM}.velero:velero", hidden=True),
        "dead-letters": Entry(f"{ROOM}.bus:dead_letters", hidden=True),
    }


cli = typer.Typer(
    name="snapline",
    cls=Commands,
    help="Back up and restore applications on Kubernetes.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # whose help cuts names of options where the terminal is narrow
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from producers.cli.commands.bare import version_

        version_()
        raise typer.Exit


@cli.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
    server: Annotated[  # which commands look up
        str | None,
        typer.Option(
            metavar="URL", help="Ask this server's HTTP API, with the token in SNAPLINE_TOKEN; also SNAPLINE_SERVER."
        ),
    ] = None,
) -> None:
    """Back up and restore applications on Kubernetes."""


def main() -> None:
    """Runs one command; expected errors are one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are text files
    called = os.path.basename(sys.argv[0])  # noqa: PTH119  # pathlib is not needed otherwise
    name = "kubectl snapline" if called.startswith("kubectl-") else "snapline"
    if "_SNAPLINE_COMPLETE" in os.environ:
        from producers.cli.commands.bare import complete

        complete(cli)
    try:
        code = cli(prog_name=name, standalone_mode=False)
    except BaseException as error:
        from producers.cli.failures import said

        sys.exit(said(error, sys.argv[1:]))
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
