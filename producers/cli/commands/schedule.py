"""`snapline schedule` and `snapline scheduler`."""

import signal
import threading
from typing import Annotated

import typer

from producers import scheduler as clockwork
from producers.actions import schedules
from producers.cli import rows
from producers.cli.context import OutputOption, note, session_of
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, show
from producers.session import Session
from producers.views import schedules as views
from producers.views.unreadable import Unreadable
from workers.adapters import logs
from workers.jobs.store_time import StoreTime

schedule = typer.Typer(no_args_is_help=True, help="Snapshots by the clock.")
Name = Annotated[str, typer.Argument(help="Name of the schedule.")]


@schedule.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    cron: Annotated[str, typer.Option(help="Five cron fields, `@daily` and its kin, or `@every 1h45m`. UTC.")],
    app: Annotated[str | None, typer.Option(help="Slug of one application; without it, everything.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make or change a schedule."""
    show(rows.schedule(schedules.put(session_of(ctx), name, cron, app)), output)


@schedule.command("show")
def show_(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """All schedules, and when they are due next."""
    found = views.schedules(session_of(ctx))
    for each in found:
        if isinstance(each, Unreadable):
            note(f"{each.name} is passed over: {with_remedy(each.problem)}")
    show([rows.schedule(each) for each in found if not isinstance(each, Unreadable)], output)


@schedule.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Forget a schedule. Its snapshots stay."""
    schedules.forget(session_of(ctx), name)
    note(f"schedule {name} is gone")


def scheduler(ctx: typer.Context) -> None:
    """Publish what is due, and the minute's tick, until stopped. Any number may run."""
    settings = session_of(ctx).settings
    logs.configure(secrets=settings.secrets())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Session(settings, clockwork.SOURCE) as session:
        clockwork.run(
            session.bus.publish,
            lambda: clockwork.read_schedules(session.cluster, settings.console_namespace),
            stop,
            StoreTime(session.store),
            lambda schedule, at: clockwork.is_answered(session.destinations, schedule, at),
        )
