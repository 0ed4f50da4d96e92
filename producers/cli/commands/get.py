"""`snapline get`: lists, the newest first."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from producers.cli import rows
from producers.cli.context import DestinationOption, ListOutputOption, note, session_of
from producers.cli.moments import moment
from producers.cli.reach import reach_of
from producers.cli.remedies import with_remedy
from producers.cli.render import ListOutput, Row, show
from producers.views.catalog import MOST_REJECTED
from producers.views.choosing import V, chosen
from producers.views.copies import everywhere
from producers.views.job_views import BackupView, RestoreView
from producers.views.unreadable import Unreadable
from schemas.errors import Invalid
from schemas.events import THE_DEFAULT

# Views are imported when they are shown: licenses and clocks take some hundredths of a second each.
get = typer.Typer(no_args_is_help=True, help="List backups, restores, apps, schedules, destinations or dead letters.")
App = Annotated[str | None, typer.Option(help="Only those of this application.")]
Status = Annotated[str | None, typer.Option(help="Only those in this status, such as PartiallyFailed.")]
Since = Annotated[str | None, typer.Option(help="Only what was asked for since then: 90m, 2h, 3d, an RFC 3339 time.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on with what changes, until Ctrl-C.")]
LOOK = 2.0
"""Seconds between two looks of `--watch`."""


@get.command("backups")
@get.command("backup", hidden=True)
def get_backups(
    ctx: typer.Context,
    app: App = None,
    status: Status = None,
    schedule: Annotated[str | None, typer.Option(help="Only those of this schedule.")] = None,
    since: Since = None,
    watch: Watch = False,
    destination: DestinationOption = THE_DEFAULT,
    all_destinations: Annotated[
        bool, typer.Option("--all-destinations", "-A", help="Those of all destinations that can be read.")
    ] = False,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """All backups, running ones too, and requests that were rejected."""
    begin = _since(since)
    if all_destinations and (destination != THE_DEFAULT or watch):
        raise Invalid("--all-destinations goes with neither --destination nor --watch")
    whole = everywhere.backups(session_of(ctx)) if all_destinations else None
    reach = reach_of(ctx)

    def read() -> list[BackupView]:
        found = reach.backups(destination) if whole is None else whole.backups
        return chosen(found, app=app, status=status, schedule=schedule, since=begin)

    if whole is None:
        _print(read, rows.backup, output, rows.backup_columns, watch)
        return
    _print(read, rows.backup_somewhere, output, rows.columns_somewhere, watch)
    _say_unread(whole)


@get.command("restores")
@get.command("restore", hidden=True)
def get_restores(
    ctx: typer.Context,
    app: App = None,
    status: Status = None,
    since: Since = None,
    watch: Watch = False,
    destination: DestinationOption = THE_DEFAULT,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """All restores, running ones too, and requests that were rejected."""
    reach, begin = reach_of(ctx), _since(since)

    def read() -> list[RestoreView]:
        return chosen(reach.restores(destination), app=app, status=status, since=begin)

    _print(read, rows.restore, output, lambda _: rows.RESTORE_COLUMNS, watch)


@get.command("apps")
@get.command("app", hidden=True)
@get.command("applications", hidden=True)
def get_apps(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """The registered applications, and what their licenses allow."""
    show([rows.application(each) for each in reach_of(ctx).applications()], output, rows.APPLICATION_COLUMNS)


@get.command("schedules")
@get.command("schedule", hidden=True)
def get_schedules(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """All schedules: what they mean, when they are due next, and what became of their last run."""
    found = reach_of(ctx).schedules()
    for each in found:
        if isinstance(each, Unreadable):
            note(f"{each.name} is passed over: {with_remedy(each.problem)}")
    readable = [rows.schedule(each) for each in found if not isinstance(each, Unreadable)]
    show(readable, output, rows.SCHEDULE_COLUMNS)


@get.command("destinations")
@get.command("destination", hidden=True)
def get_destinations(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """All storage destinations, without their secrets."""
    from producers.views import destinations

    found = destinations.destinations(session_of(ctx))
    show([rows.destination(each) for each in found], output, rows.DESTINATION_COLUMNS)


@get.command("notifications")
@get.command("notification", hidden=True)
def get_notifications(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """Whom to notify of what, without addresses."""
    from producers.cli import notified
    from producers.views.notifying import targets

    show([notified.target(each) for each in targets.targets(session_of(ctx))], output, notified.TARGET_COLUMNS)


@get.command("objectives")
@get.command("objective", hidden=True)
def get_objectives(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """How old the last good backups of applications may be."""
    from producers.views.notifying.objectives import objectives

    found = objectives(session_of(ctx))
    show([{"app": app, "objective_seconds": int(each.total_seconds())} for app, each in found.items()], output)


@get.command("event-tokens")
@get.command("event-token", hidden=True)
def get_event_tokens(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """What tokens for POST /events there are, and what each may ask for."""
    from producers.views.outside.event_tokens import event_tokens

    found = event_tokens(session_of(ctx))
    for each in found:
        if isinstance(each, Unreadable):
            note(f"{each.name} is passed over: {with_remedy(each.problem)}")
    show([asdict(each) for each in found if not isinstance(each, Unreadable)], output, ("name", "types"))


@get.command("users")
@get.command("user", hidden=True)
def get_users(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """Who may sign in to the console with a password."""
    from producers.cli.commands import people

    people.get_users(ctx, output)


@get.command("access-tokens")
@get.command("access-token", hidden=True)
def get_access_tokens(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """What tokens for the console's API there are, and what each may do."""
    from producers.cli.commands import people

    people.get_tokens(ctx, output)


@get.command("dead-letters")
@get.command("dead-letter", hidden=True)
def get_dead_letters(
    ctx: typer.Context,
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """All dead letters, with the reasons."""
    found = session_of(ctx).bus.dead_letters(queue)
    show([rows.dead_letter(letter) for letter in found], output, rows.DEAD_LETTER_COLUMNS)


def _say_unread(whole: everywhere.Everywhere) -> None:
    """Raises the first of the reasons, after all are told."""
    for each in whole.unread:
        note(f"destination {each.destination} could not be read: {with_remedy(each.error)}")
    if whole.unread:
        raise whole.unread[0].error


def _since(text: str | None) -> datetime | None:
    return moment(text, datetime.now(UTC)) if text else None


def _print(
    read: Callable[[], list[V]],
    row: Callable[[V], Row],
    output: ListOutput,
    columns: Callable[[Sequence[Row]], Sequence[str]],
    watch: bool,
) -> None:
    """Prints the list, and with `watch` what changes of it, as long as nobody stops it."""
    found = read()
    first = list(map(row, found))
    show(first, output, columns(first))
    _remark(found)
    if watch:
        for changed in changes(first, lambda: list(map(row, read())), lambda: time.sleep(LOOK)):
            show(changed, output, columns(first), heads=False)


def _remark(found: Sequence[BackupView | RestoreView]) -> None:
    for each in found:
        if each.status == "Unreadable" and each.reason:
            note(f"{each.name}: {with_remedy(each.reason)}")
    if sum(each.status == "Rejected" for each in found) >= MOST_REJECTED:
        note(f"of rejected requests, only the newest {MOST_REJECTED} are listed")


def changes(first: list[Row], read: Callable[[], list[Row]], rest: Callable[[], None]) -> Iterator[list[Row]]:
    """The rows that are new or other than they were, after each `rest`; what went is told as `Deleted`. Never ends."""
    known = {row["name"]: row for row in first}
    while True:
        rest()
        now = {row["name"]: row for row in read()}
        gone = [{**row, "status": "Deleted"} for name, row in known.items() if name not in now]
        changed = [row for name, row in now.items() if row != known.get(name)]
        known = now
        if gone or changed:
            yield [*gone, *reversed(changed)]
