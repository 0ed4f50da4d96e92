"""`snapline schedule` and `snapline scheduler`."""

import signal
import threading
from typing import Annotated, Literal

import typer

from producers import scheduler as clockwork
from producers.actions import schedules
from producers.cli import rows
from producers.cli.commands.get import get_schedules
from producers.cli.commands.jobs import RequestId, Timeout, Wait, answer
from producers.cli.context import OutputOption, note, session_of
from producers.cli.reach.here import Here
from producers.cli.render import ListOutput, Output, show
from producers.session import Session
from producers.views import schedules as views
from schemas.events import BackupVerifyRequested
from workers.adapters import logs
from workers.jobs.store_time import StoreTime, clock_skew

schedule = typer.Typer(no_args_is_help=True, help="Snapshots by the clock.")
Name = Annotated[str, typer.Argument(help="Name of the schedule.")]


def set_(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Name of the schedule; without it, that of the app, or `instance`.")
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(
            "--cron",
            "--schedule",
            help="Five cron fields, `@daily` and its kin, `daily`, or `@every 1h45m`.",
        ),
    ] = None,
    app: Annotated[str | None, typer.Option(help="Slug of one application; without it, everything.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="What the cron fields are read in, such as Europe/Berlin; else UTC.")
    ] = None,
    ttl: Annotated[str | None, typer.Option(help="Keep each backup for so long: 720h, 30d, '1 month'.")] = None,
    destination: Annotated[
        str | None, typer.Option(help="Storage destination; else the one that is the default when a run begins.")
    ] = None,
    copy_to: Annotated[
        list[str] | None, typer.Option(help="Copy each backup to this destination, too; may be repeated.")
    ] = None,
    jitter: Annotated[str | None, typer.Option(help="Begin each run up to so much later, such as 10m.")] = None,
    blackout: Annotated[
        list[str] | None,
        typer.Option(help="Begin no run then: 'MON-FRI 08:00-18:00', or '22:00-02:00'; may be repeated."),
    ] = None,
    missed: Annotated[
        Literal["once", "skip"] | None, typer.Option(help="Make up for runs that were missed by one, or skip them.")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Nothing is due until it is resumed.")] = False,
    does: Annotated[
        Literal["backup", "verify", "test-restore"] | None,
        typer.Option(help="What: a backup, or that the newest good one is verified, or restored on trial."),
    ] = None,
    depth: Annotated[
        Literal["structure", "sample", "full"] | None, typer.Option(help="To verify: how deep; else a sample.")
    ] = None,
    within: Annotated[
        str | None, typer.Option(help="To verify: in which time samples cover everything; else 30d.")
    ] = None,
    check_command: Annotated[str | None, typer.Option(help="To restore on trial: what is run in a pod.")] = None,
    check_in: Annotated[str | None, typer.Option(help="To restore on trial: in which pod.")] = None,
    probe: Annotated[str | None, typer.Option(help="To restore on trial: SERVICE:PORT/PATH that answers.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a schedule, or change what is given of it; an empty text takes a value away."""
    made = schedules.put(
        session_of(ctx),
        name,
        cron,
        app,
        destination=destination,
        copy_to=None if copy_to is None else tuple(filter(None, copy_to)),
        ttl=ttl,
        time_zone=time_zone,
        jitter=jitter,
        blackouts=None if blackout is None else tuple(filter(None, blackout)),
        missed=missed,
        paused=paused or None,
        does=does,
        depth=depth,
        within=within,
        check_command=check_command,
        check_in=check_in,
        probe=probe,
    )
    show(rows.schedule(made), output)


schedule.command("set")(set_)
schedule.command("create", hidden=True)(set_)
schedule.command("list")(get_schedules)
schedule.command("ls", hidden=True)(get_schedules)
schedule.command("get", hidden=True)(get_schedules)


@schedule.command("show")
@schedule.command("describe", hidden=True)
def show_(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of the schedule; without it, all.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """One schedule: what it means, its next five runs, and what became of the last ones."""
    if name is None:
        get_schedules(ctx, ListOutput(output.value))
        return
    show(rows.schedule_details(views.schedule(session_of(ctx), name), output), output)


@schedule.command("next")
def next_(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """When the next five runs are due, and when they begin."""
    found = views.schedule(session_of(ctx), name)
    if not found.next:
        note(f"schedule {found.name} is paused; nothing is due")
    show([rows.next_run(run) for run in found.next], output)


@schedule.command("pause")
def pause(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Let nothing be due until it is resumed."""
    show(rows.schedule(schedules.pause(session_of(ctx), name)), output)


@schedule.command("resume")
@schedule.command("unpause", hidden=True)
def resume(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Let it go on. What was due meanwhile is not made up for."""
    show(rows.schedule(schedules.resume(session_of(ctx), name)), output)


@schedule.command("run-now")
def run_now(
    ctx: typer.Context,
    name: Name,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take at once what the schedule would, also while it is paused."""
    session = session_of(ctx)
    requested = schedules.run_now(session, name, id=request_id)
    is_job = not isinstance(requested.event.data, BackupVerifyRequested)  # of which there are no events to follow
    answer(Here(session), requested, follow and is_job, timeout, output)


@schedule.command("remove")
@schedule.command("delete", hidden=True)
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
    with Session(settings, clockwork.SOURCE) as session, session.looked_at():
        now = StoreTime(session.store)
        if session.telemetry.meter is not None:
            session.telemetry.meter.watch(lambda: clock_skew(now))
        clockwork.run(
            session.bus.publish,
            lambda: clockwork.read_schedules(session.cluster, settings.console_namespace),
            stop,
            now,
            lambda schedule, at: clockwork.is_answered(session.destinations, schedule, at),
            session.beat,
        )
