"""`snapline schedule` and `snapline scheduler`."""

import signal
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from producers import scheduler as clockwork
from producers.actions.objects import apply
from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.render import Output, Row, show
from schemas import schedule as schedules
from schemas.kubernetes import CONFIG_MAPS
from schemas.schedule import Schedule
from workers.adapters import broker, logs

schedule = typer.Typer(no_args_is_help=True, help="Snapshots by the clock.")
Name = Annotated[str, typer.Argument(help="Name of the schedule.")]


@schedule.command("set")
def set_(
    name: Name,
    cron: Annotated[str, typer.Option(help="Five cron fields, `@daily` and its kin, or `@every 1h45m`. UTC.")],
    app: Annotated[str | None, typer.Option(help="Slug of one application; without it, everything.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make or change a schedule."""
    made = Schedule(name=name, expression=cron, app=app, since=datetime.now(UTC))
    apply(context.cluster(), CONFIG_MAPS, schedules.to_config_map(made, context.settings().console_namespace))
    show(_row(made), output)


@schedule.command("show")
def show_(output: OutputOption = Output.TABLE) -> None:
    """All schedules, and when they are due next."""
    known = clockwork.read_schedules(context.cluster(), context.settings().console_namespace)
    show([_row(each) for each in known], output)


@schedule.command("remove")
def remove(name: Name) -> None:
    """Forget a schedule. Its snapshots stay."""
    namespace = context.settings().console_namespace
    context.cluster().get(CONFIG_MAPS, namespace, schedules.NAME_PREFIX + name)
    context.cluster().delete(CONFIG_MAPS, namespace, schedules.NAME_PREFIX + name)
    context.notes.print(f"schedule {name} is gone")


def scheduler() -> None:
    """Publish what is due, and the minute's tick, until stopped. Any number may run."""
    logs.configure(secrets=context.settings().secrets())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    publisher = broker.Publisher(context.url(), clockwork.SOURCE)
    namespace = context.settings().console_namespace
    clockwork.run(publisher, lambda: clockwork.read_schedules(context.cluster(), namespace), stop)
    publisher.close()


def _row(each: Schedule) -> Row:
    due = schedules.next_due(each.expression, datetime.now(UTC))
    return {"name": each.name, "expression": each.expression, "app": each.app, "next_due": due.isoformat()}
