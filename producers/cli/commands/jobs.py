"""`snapline backup`, `restore`, `wait`, `cancel`."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from producers.actions.jobs import Requested
from producers.cli.commands.get import get_backups, get_restores
from producers.cli.context import DestinationOption, OutputOption, note, where
from producers.cli.follow import finish, wait, warn_if_nobody_listens
from producers.cli.reach import Reach, reach_of
from producers.cli.render import Output, show
from producers.views.progress import JobProgress
from producers.views.restore_plan.asked import Asked
from schemas import events as e
from schemas.errors import Invalid
from schemas.events import THE_DEFAULT

Wait = Annotated[bool, typer.Option("--wait", help="Follow it to its end, with live progress.")]
Timeout = Annotated[float, typer.Option(min=0, help="With --wait: seconds to follow it for; 0 is for ever.")]
RequestId = Annotated[
    str | None, typer.Option("--id", help="Event id of the request. The same id makes the same job, however often.")
]
FromSchedule = Annotated[
    str | None, typer.Option(metavar="SCHEDULE", help="What this schedule would take; as `schedule run-now`.")
]
backup_group = typer.Typer(invoke_without_command=True)
restore_group = typer.Typer(invoke_without_command=True)
backup_group.command("ls", help="The same as `get backups`.")(get_backups)
restore_group.command("ls", help="The same as `get restores`.")(get_restores)


@backup_group.callback()
def backup(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Option(help="Slug of one application; without it, everything.")] = None,
    ttl: Annotated[
        str | None, typer.Option(help="Keep it for so long: 720h, 30d, '1 month'; else for as long as retention says.")
    ] = None,
    from_schedule: FromSchedule = None,
    copy_to: Annotated[
        list[str] | None, typer.Option("--copy-to", help="Then copy it to this destination; may be repeated.")
    ] = None,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a snapshot: of the console and all applications, or of one application."""
    if ctx.invoked_subcommand:
        return
    reach = reach_of(ctx)
    if from_schedule:
        if app or ttl or copy_to or destination:
            left_out = "--app, --ttl, --copy-to and --destination"
            raise Invalid(f"--from-schedule takes what the schedule says; leave out {left_out}")
        requested = reach.run_schedule(from_schedule, request_id)
    else:
        requested = reach.take(app, ttl=ttl, copy_to=copy_to or (), destination=destination, id=request_id)
    answer(reach, requested, follow, timeout, output)


@backup_group.command("create", hidden=True)
def create(
    ctx: typer.Context,
    from_schedule: FromSchedule = None,
    follow: Wait = False,
    timeout: Timeout = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """As Velero's: take a snapshot, of everything or as a schedule would."""
    reach = reach_of(ctx)
    if from_schedule:
        requested = reach.run_schedule(from_schedule, None)
    else:
        requested = reach.take(None, ttl=None, copy_to=(), destination=THE_DEFAULT, id=None)
    answer(reach, requested, follow, timeout, output)


@restore_group.callback()
def restore(
    ctx: typer.Context,
    from_backup: Annotated[str | None, typer.Option(help="Name of the backup.")] = None,
    rollback: Annotated[
        str | None, typer.Option(metavar="RESTORE", help="Go back to what was there before this restore.")
    ] = None,
    exclude_admin_console: Annotated[
        bool, typer.Option("--exclude-admin-console", help="Restore the applications only.")
    ] = False,
    exclude_apps: Annotated[bool, typer.Option("--exclude-apps", help="Restore the console only.")] = False,
    app: Annotated[str | None, typer.Option(help="Slug: restore this application only.")] = None,
    keep_newer: Annotated[
        bool, typer.Option("--keep-newer", help="Leave alone what came after the backup; else it is deleted.")
    ] = False,
    no_safety_snapshot: Annotated[
        bool, typer.Option("--no-safety-snapshot", help="Do not back up first what is deleted.")
    ] = False,
    namespace_mapping: Annotated[
        list[str] | None,
        typer.Option("--namespace-mapping", metavar="OLD:NEW", help="Restore what was in OLD into NEW."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done; nothing is asked for.")
    ] = False,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Restore from a backup, or go back to what was there before a restore. What is restored replaces what is there,
    which is backed up first."""
    if ctx.invoked_subcommand:
        return
    scope = _scope(from_backup, rollback, exclude_admin_console, exclude_apps, app)
    reach, mapping = reach_of(ctx), _mapping(namespace_mapping or [])
    if rollback and mapping:
        raise Invalid("--rollback goes back to where it was; it has no --namespace-mapping")
    if dry_run:
        backup_name = from_backup or reach.snapshot_of(rollback or "", destination)
        asked = Asked(backup_name, scope, app, keep_newer, namespace_mapping=mapping, destination=destination)
        _foresee(reach, asked, output)
        return
    ask = reach.rollback if rollback else partial(reach.restore, scope=scope, app=app, namespace_mapping=mapping)
    requested = ask(
        from_backup or rollback or "",
        keep_newer=keep_newer,
        safety_snapshot=not no_safety_snapshot,
        destination=destination,
        id=request_id,
    )
    answer(reach, requested, follow, timeout, output)


def wait_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a backup or restore.")],
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to follow it for; 0 is for ever.")] = 0,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Follow a backup or restore to its end, with live progress; exit as `backup --wait` would."""
    reach = reach_of(ctx)
    requested = reach.requested_before(name, destination)
    if reach.has_ended(requested.job, destination):
        finish(reach, requested, JobProgress(requested.event.id), output)
    wait(reach, requested, timeout, output)


def cancel(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a running backup or restore.")],
    destination: DestinationOption = THE_DEFAULT,
) -> None:
    """Cancel a running backup or restore. What it has done so far stays."""
    reach_of(ctx).cancel(name, destination)
    note(f"{name} is being cancelled")


def _scope(
    from_backup: str | None, rollback: str | None, exclude_admin_console: bool, exclude_apps: bool, app: str | None
) -> e.Scope:
    """What is to be restored. Raises Invalid for what does not go together."""
    if exclude_admin_console + exclude_apps + (app is not None) > 1:
        raise Invalid("choose one of --exclude-admin-console, --exclude-apps and --app")
    if bool(from_backup) == bool(rollback):
        raise Invalid("choose one of --from-backup and --rollback")
    scope: e.Scope = "console" if exclude_apps else "applications" if exclude_admin_console or app else "full"
    if rollback and scope != "full":
        raise Invalid("--rollback goes back to all that the restore has replaced; it cannot be narrowed")
    return scope


def _mapping(given: list[str]) -> dict[str, str]:
    """By the old namespace the new one; several stand in one option with commas, as Velero has it. Raises Invalid."""
    found: dict[str, str] = {}
    for each in (part for text in given for part in text.split(",")):
        old, colon, new = each.partition(":")
        if not (old and colon and new) or old in found:
            raise Invalid(f"{each!r:.200} is no mapping; write OLD:NEW, each namespace once")
        found[old] = new
    return found


def _foresee(reach: Reach, asked: Asked, output: Output) -> None:
    foreseen = asdict(reach.foresee(asked))
    if output is Output.TABLE:
        foreseen["kinds"] = [f"{number} {kind}" for kind, number in foreseen["kinds"].items()]
        foreseen = {name: value for name, value in foreseen.items() if value is not None}
    show({name: list(value) if isinstance(value, tuple) else value for name, value in foreseen.items()}, output)
    if foreseen.get("unknown"):
        note(
            "what it would delete is not known, as the cluster cannot be looked at; `--wait` tells it before it begins"
        )
    else:
        note("what is deleted is backed up first, unless with `--no-safety-snapshot`")


def answer(reach: Reach, requested: Requested, follow: bool, timeout: float, output: Output) -> None:
    """What is said to a request: what it will be called, or with `follow`, how it goes on."""
    if follow:
        wait(reach, requested, timeout, output)
        return
    warn_if_nobody_listens(reach)
    job = requested.job
    show({"request": requested.event.id, "name": job.name, "status": "Requested"}, output)
    describe = f"snapline describe {job}{where(requested.destination)}"
    note(f"`snapline wait {job.name}{where(requested.destination)}` follows it, `{describe}` shows how far it is")
