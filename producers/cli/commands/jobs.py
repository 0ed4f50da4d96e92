"""`snapline backup`, `restore`, `cancel`, `delete`."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer

from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.exits import Exit
from producers.cli.follow import wait, warn_if_nobody_listens
from producers.cli.render import Output, show
from producers.views.jobs import find, job
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid
from schemas.job import Job, Kind, name_for, request_uuid
from workers.adapters import broker

SOURCE = "snapline/cli"
Wait = Annotated[bool, typer.Option("--wait", help="Follow it to its end, with live progress.")]
Timeout = Annotated[float, typer.Option(help="With --wait: seconds to follow it for; 0 is for ever.")]
RequestId = Annotated[
    str | None, typer.Option("--id", help="Event id of the request. The same id makes the same job, however often.")
]
delete = typer.Typer(no_args_is_help=True, help="Delete a backup.")


def backup(
    app: Annotated[str | None, typer.Option(help="Slug of one application; without it, everything.")] = None,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a snapshot: of the console and all applications, or of one application."""
    _request(e.BackupRequested(app=app), "backup", app or "instance", follow, timeout, request_id, output)


def restore(
    from_backup: Annotated[str, typer.Option(help="Name of the backup.")],
    exclude_admin_console: Annotated[bool, typer.Option(help="Restore the applications only.")] = False,
    exclude_apps: Annotated[bool, typer.Option(help="Restore the console only.")] = False,
    app: Annotated[str | None, typer.Option(help="Slug: restore this application only.")] = None,
    follow: Wait = False,
    timeout: Timeout = 0,
    request_id: RequestId = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Restore from a backup. What is restored replaces what is there."""
    if exclude_admin_console + exclude_apps + (app is not None) > 1:
        raise Invalid("choose one of --exclude-admin-console, --exclude-apps and --app")
    scope: e.Scope = "console" if exclude_apps else "applications" if exclude_admin_console or app else "full"
    request = e.RestoreRequested(backup=from_backup, scope=scope, app=app)
    _request(request, "restore", from_backup, follow, timeout, request_id, output)


def cancel(name: Annotated[str, typer.Argument(help="Name of a running backup or restore.")]) -> None:
    """Cancel a running backup or restore. What it has done so far stays."""
    store = context.store()
    found = find(store, name)
    if any(store.list(keys.final(found))):
        raise Invalid(f"{name} has ended already; `snapline describe {found.kind} {name}` says how")
    store.create(keys.cancel(found), json.dumps({"at": datetime.now(UTC).isoformat()}).encode())
    broker.broadcast_cancel(context.url(), found)
    context.notes.print(f"{name} is being cancelled")


@delete.command("backup")
def delete_backup(
    name: Annotated[str, typer.Argument(help="Name of the backup.")],
    follow: Wait = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a backup and what only it refers to."""
    job(context.store(), Job("backup", name))
    since = datetime.now(UTC) - timedelta(seconds=2)
    request = _publish(e.BackupDeleteRequested(backup=name), str(uuid.uuid4()))
    warn_if_nobody_listens("repository.maintain")
    if not follow:
        context.notes.print(f"deletion of {name} requested; follow it with `snapline events tail`")
        return
    for logged in broker.read_log(context.url(), since=since):
        said = logged.event.data
        if logged.event.correlationid == request and isinstance(said, e.BackupDeleted):
            show({"name": name, "status": "Deleted", "reclaimed_bytes": said.reclaimed_bytes}, output)
            return
        if logged.event.correlationid == request and isinstance(said, e.BackupDeleteFailed):
            show({"name": name, "status": "Failed", "reason": str(said.reason)}, output)
            raise typer.Exit(Exit.FAILED)


def _request(
    data: e.Event,
    kind: Kind,
    prefix: str,
    follow: bool,
    timeout: float,
    request_id: str | None,
    output: Output,
) -> None:
    chosen = request_id or str(uuid.uuid4())
    if follow:
        envelope = e.wrap(data, id=chosen, source=SOURCE, time=datetime.now(UTC))
        wait(envelope, partial(_publish, data, chosen), kind, prefix, timeout, output)
        return
    _publish(data, chosen)
    warn_if_nobody_listens()
    likely = name_for(prefix, request_uuid(SOURCE, chosen))
    show({"request": chosen, "name": likely, "status": "Requested"}, output)
    context.notes.print(f"follow it with `snapline describe {kind} {likely}` or `snapline events tail`")


def _publish(data: e.Event, request_id: str) -> str:
    publisher = broker.Publisher(context.url(), SOURCE)
    try:
        publisher.publish(e.wrap(data, id=request_id, source=SOURCE, time=datetime.now(UTC)))
    finally:
        publisher.close()
    return request_id
