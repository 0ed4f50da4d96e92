"""`snapline logs`: the events about one job, from its request on; later, what its records keep."""

from dataclasses import asdict
from typing import Annotated

import typer

from producers.cli.commands.bus import print_document, print_event
from producers.cli.context import DestinationOption, OutputOption, note, where
from producers.cli.reach import Reach, reach_of
from producers.cli.render import Output, printable
from schemas import events as e
from schemas.events import THE_DEFAULT
from schemas.job import Job


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a backup or restore.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it ends.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """What has happened to a backup or restore: the events, or what is kept where the event log has none any more."""
    reach = reach_of(ctx)
    requested, found = reach.requested_before(name, destination), 0
    for logged, believed in reach.log(requested, follow=follow):
        found += 1
        print_event(logged, output)
        if follow and believed and isinstance(logged.event.data, e.FINAL):
            break
    if not found:
        _print_kept(reach, requested.job, destination, output)


def _print_kept(reach: Reach, job: Job, destination: str, output: Output) -> None:
    shown = f"`snapline describe {job}{where(destination)}`"
    note(f"the event log has nothing of {job.name} any more; this is what its records keep, and {shown} has more")
    for line in reach.kept_log(job, destination):
        if output is Output.TABLE:
            print(printable(f"{line.time:%Y-%m-%d %H:%M:%S}  {line.level:<7}  {line.text}".replace("\n", " ")))  # noqa: T201
        else:
            print_document(asdict(line), output)
