"""`snapline test-restore`: restores a backup on trial."""

import shlex
from typing import Annotated

import typer

from producers.actions import verification
from producers.actions.verification import Trial
from producers.cli.commands.jobs import RequestId, Timeout, Wait, answer
from producers.cli.context import DestinationOption, OutputOption, session_of
from producers.cli.exits import Exit
from producers.cli.reach.here import Here
from producers.cli.render import Output, show
from producers.session import Session
from schemas.errors import Invalid
from schemas.events import THE_DEFAULT
from schemas.ttl import length


def try_restore(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a backup; without one, the newest good one.")] = "",
    app: Annotated[str | None, typer.Option(help="Only this application.")] = None,
    console: Annotated[bool, typer.Option("--console", help="The admin console, too.")] = False,
    namespace: Annotated[
        str | None,
        typer.Option(help="Namespace that is made for it; if it takes several, how they begin."),
    ] = None,
    check_command: Annotated[
        str | None, typer.Option("--check-command", help="Run in a pod when all is ready; has to end with 0.")
    ] = None,
    check_in: Annotated[
        str, typer.Option("--check-in", help="In which: a pod, or a controller, by its name; else the first.")
    ] = "",
    probe: Annotated[
        str, typer.Option(metavar="SERVICE:PORT/PATH", help="A Service that has to answer over HTTP when all is ready.")
    ] = "",
    ready_within: Annotated[
        str | None, typer.Option("--ready-within", help="How long it may take to be ready, such as 10m.")
    ] = None,
    open_network: Annotated[
        bool, typer.Option("--open-network", help="Let its pods reach what is outside of the namespace.")
    ] = False,
    directory: Annotated[
        bool, typer.Option("--directory", help="The volumes alone, here, into a directory that is removed; no cluster.")
    ] = False,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Restore a backup on trial, beside what is there: into a namespace that is made for it, and removed in the end."""
    session = session_of(ctx)
    command = _words(check_command or "")
    if directory:
        _in_directory(session, name, command, destination, output)
        return
    trial = Trial(
        namespace=namespace,
        check_command=command,
        check_in=check_in,
        probe=probe,
        timeout_seconds=length(ready_within).total_seconds() if ready_within else 0,
        open_network=open_network,
        scope="full" if console else "applications",
    )
    if console and app is not None:
        raise Invalid("choose one of --console and --app")
    requested = verification.try_restore(session, name, trial, app=app, destination=destination, id=request_id)
    answer(Here(session), requested, follow, timeout, output)


def _in_directory(session: Session, name: str, command: list[str], destination: str, output: Output) -> None:
    from producers.actions.trials import in_directory  # the repository's code takes a third of a second

    if not name:
        raise Invalid("give the name of a backup; its volumes are restored into a directory here")
    tried = in_directory(session, name, command, destination=destination)
    status = "PartiallyFailed" if tried.problems else "Completed"
    show(
        {
            "name": name,
            "status": status,
            "volumes": tried.volumes,
            "files": tried.files,
            "bytes": tried.bytes,
            "restore_seconds": tried.seconds,
            "errors": list(map(str, tried.problems)),
        },
        output,
    )
    if tried.problems:
        raise typer.Exit(Exit.PARTIALLY_FAILED)


def _words(command: str) -> list[str]:
    """The words of a command, as a shell would see them. Raises Invalid."""
    try:
        return shlex.split(command)
    except ValueError as error:
        raise Invalid(f"{command!r:.80} is no command: {error}") from error
