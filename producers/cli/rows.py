"""Views as rows: which fields are printed, under which names. Scripts rely on the names."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from producers.cli import copies, verdicts
from producers.cli.context import where
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, Row
from producers.views.unreadable import Unreadable
from schemas.messages import Message
from workers.retention.holds import said

if TYPE_CHECKING:
    from producers.views.applications import ApplicationView
    from producers.views.destinations import DestinationView, UnreadableDestination
    from producers.views.hooks import HookView
    from producers.views.job_views import BackupDetails, BackupView, RestoreDetails, RestoreView
    from producers.views.schedules import NextRun, PastRun, ScheduleView
    from producers.views.standing import StandingView
    from producers.views.volumes import VolumeView
    from workers.adapters.broker import DeadLetter
    from workers.adapters.stores.check import Check

PHASES = {
    "requested": "waiting for the license gate",
    "licensed": "capturing objects",
    "copying": "copying volumes",
    "preparing": "planning",
    "securing": "taking the safety snapshot",
    "removing": "removing what is replaced",
    "restoring": "restoring",
    "finishing": "waiting for the pods",
    "ended": "ended",
}
"""What phases of a job are called."""
BACKUP_COLUMNS = ("name", "status", "app", "objects", "volumes", "size", "errors", "duration_seconds", "requested_at")
SOMETIMES = (
    *("last_verified", "verification", "restore_seconds", "expires_at", "held", "schedule", "snapshot_of"),
    *("copies", "copied_from"),
)
"""Columns of backups for which some have a value."""
RESTORE_COLUMNS = (
    "name",
    "status",
    "backup",
    "scope",
    "objects",
    "bytes",
    "errors",
    "duration_seconds",
    "requested_at",
)
APPLICATION_COLUMNS = ("slug", "name", "version", "namespaces", "backup_resource", "snapshots")
SCHEDULE_COLUMNS = ("name", "meaning", "app", "paused", "next_due", "last_due", "last_status")
DESTINATION_COLUMNS = ("name", "provider", "place", "is_default", "from_environment", "passphrase_is_set", "problem")
DEAD_LETTER_COLUMNS = ("queue", "id", "type", "size", "parked_at", "reason")


def backup_columns(rows: Sequence[Row]) -> tuple[str, ...]:
    """What a list of these shows."""
    return (*BACKUP_COLUMNS, *(name for name in SOMETIMES if any(row.get(name) for row in rows)))


def backup(view: "BackupView") -> Row:
    """As in a list. There is less to say of one that is under way, or was rejected."""
    if view.status == "Rejected":
        return _rejected(view, {"app": view.app}, Output.JSON)
    if view.status == "Unreadable":
        return _unreadable(view)
    if view.completed_at is None:
        return _running(view, {"app": view.app, "snapshot_of": view.snapshot_of, **_kept(view)})
    return {
        "name": view.name,
        "status": view.status,
        "app": view.app,
        "apps": list(view.apps),
        "schedule": view.schedule,
        "snapshot_of": view.snapshot_of,
        "objects": view.objects,
        "volumes": view.volumes,
        "size": view.size,
        "uploaded_bytes": view.uploaded_bytes,
        "errors": view.errors,
        "warnings": view.warnings,
        "requested_at": view.requested_at.isoformat(),
        "completed_at": view.completed_at.isoformat(),
        "duration_seconds": (view.completed_at - view.requested_at).total_seconds(),
        **_kept(view),
        **verdicts.of(view),
        **copies.of(view),
        "reason": str(view.reason or ""),
    }


def backup_somewhere(view: "BackupView") -> Row:
    """As in a list of more than one destination."""
    row = backup(view)
    return {"name": row.pop("name"), "destination": view.destination, **row}


def columns_somewhere(rows: Sequence[Row]) -> tuple[str, ...]:
    """What such a list shows."""
    name, *others = backup_columns(rows)
    return (name, "destination", *others)


def restore(view: "RestoreView") -> Row:
    """As in a list; see `backup`."""
    if view.status == "Rejected":
        return _rejected(view, {"app": view.app, "backup": view.backup, "scope": view.scope}, Output.JSON)
    if view.status == "Unreadable":
        return _unreadable(view)
    if view.completed_at is None:
        return _running(
            view,
            {"app": view.app, "backup": view.backup, "scope": view.scope, "snapshot": view.snapshot, **_test(view)},
        )
    return {
        "name": view.name,
        "status": view.status,
        "backup": view.backup,
        "scope": view.scope,
        "app": view.app,
        "snapshot": view.snapshot,
        "objects": view.objects,
        "bytes": view.bytes,
        "files": view.files,
        "errors": view.errors,
        "warnings": view.warnings,
        "requested_at": view.requested_at.isoformat(),
        "completed_at": view.completed_at.isoformat(),
        "duration_seconds": (view.completed_at - view.requested_at).total_seconds(),
        **_test(view),
        "restore_seconds": view.restore_seconds,
        "reason": str(view.reason or ""),
    }


def backup_details(details: "BackupDetails", hooks: "Iterable[HookView]", output: Output) -> Row:
    """By itself. People get remedies, too; programs get the messages as they are."""
    if details.view.status == "Rejected":
        return _rejected(details.view, {"app": details.view.app}, output)
    hold = {"hold": said(details.hold).strip()} if details.hold else {}
    if details.view.completed_at is None:
        return backup(details.view) | hold | _standing(details.standing, output)
    whole = {"volumes": list(map(volume, details.volumes)), "hooks": _hooks(hooks, output)}
    whole |= verdicts.details(details, output) | copies.details(details.view, output)
    return _told(backup(details.view), output) | hold | whole | _messages(details, output)


def restore_details(details: "RestoreDetails", hooks: "Iterable[HookView]", output: Output) -> Row:
    """By itself; see `backup_details`."""
    view, plan = details.view, details.plan
    if view.status == "Rejected":
        return _rejected(view, {"app": view.app, "backup": view.backup, "scope": view.scope}, output)
    planned: Row = {}
    if plan:
        planned = {
            "planned_objects": plan.objects,
            "replaced": plan.replaced,
            "newer": list(plan.newer),
            "left_alone": _said(plan.left_alone, output),
        }
    if view.completed_at is None:
        return restore(view) | _standing(details.standing, output) | planned
    row = restore(view) | planned | {"hooks": _hooks(hooks, output)} | _messages(details, output)
    if view.snapshot and output is Output.TABLE:
        row["snapshot"] = (
            f"{view.snapshot}; `snapline restore --rollback {view.name}{where(view.destination)}` goes back to it"
        )
    return row


def rejection(name: str, request: str, reasons: Iterable[Message], output: Output) -> Row:
    """What is known of a rejected request by its event alone."""
    return {"name": name, "status": "Rejected", "request": request, "reasons": _said(reasons, output)}


def hook(view: "HookView") -> Row:
    """For programs, in a job's description."""
    said = asdict(view) | {"command": list(view.command), "started_at": view.started_at.isoformat()}
    return said | {"problem": str(view.problem or "")}


def hook_text(view: "HookView") -> str:
    """For people: what became of it, then the command and what it said."""
    ended = "no exit code" if view.exit_code is None else f"exit code {view.exit_code}"
    lines = [
        f"{view.phase} {view.namespace}/{view.pod} {view.container} ({view.source}): {ended}, {view.seconds:.1f} s"
    ]
    if view.error:
        lines.append(f"  {view.error}")
    if view.problem:
        lines.append(f"  its output is not shown: {with_remedy(view.problem)}")
    if view.command:
        lines.append(f"  $ {shlex.join(view.command)}")
    for name, text, cut in (("stdout", view.stdout, view.stdout_cut), ("stderr", view.stderr, view.stderr_cut)):
        if text:
            lines.append(f"  {name}, only its end:" if cut else f"  {name}:")
            lines += [f"    {line}" for line in text.splitlines()]
    return "\n".join(lines)


def volume(view: "VolumeView") -> Row:
    """As in a backup's description."""
    kept = ("namespace", "pod", "name", "claim", "scanned_bytes", "changed_bytes", "uploaded_bytes", "files")
    return {key: getattr(view, key) for key in kept}


def volume_of_files(view: "VolumeView") -> Row:
    """As in the list of what `snapline files` can look into."""
    return {"volume": view.key, "pod": view.pod, "scanned_bytes": view.scanned_bytes, "files": view.files}


def application(view: "ApplicationView | Unreadable") -> Row:
    """In a list."""
    if isinstance(view, Unreadable):
        return {"slug": view.name, "snapshots": f"unreadable: {view.problem}"}
    row: Row = {
        "slug": view.slug,
        "name": view.name,
        "version": view.version,
        "namespaces": list(view.namespaces),
        "backup_resource": view.has_backup_resource,
    }
    if view.snapshots is None:
        return row | {"snapshots": "unknown: SNAPLINE_LICENSE_KEYS is not set"}
    said = view.snapshots
    return row | {"snapshots": "allowed" if said.allowed else f"{said.code}: {said.reason}"}


def schedule(view: "ScheduleView") -> Row:
    """In a list."""
    said = view.set
    return {
        "name": said.name,
        "expression": said.expression,
        "meaning": view.sentence,
        "does": said.does,
        "app": said.app,
        "destination": said.destination or None,
        "copy_to": list(said.copy_to),
        "ttl": said.ttl,
        "time_zone": said.time_zone,
        "jitter": said.jitter,
        "blackouts": list(said.blackouts),
        "missed": said.missed,
        "paused": said.paused,
        "next_due": view.next[0].due.isoformat() if view.next else None,
        "last_due": view.last.due.isoformat() if view.last else None,
        "last_status": view.last.status if view.last else None,
        "last_backup": view.last.name if view.last else None,
        "problem": str(view.problem or (view.last and view.last.reason) or ""),
    }


def schedule_details(view: "ScheduleView", output: Output) -> Row:
    """By itself, with its next runs and its past ones."""
    coming: list[Any] = list(map(next_run, view.next))
    past: list[Any] = [past_run(run) for run in view.past]
    if output is Output.TABLE:
        coming = [next_run_text(run) for run in view.next]
        past = [past_run_text(run) for run in view.past]
    return schedule(view) | {"next": coming, "runs": past}


def next_run(run: "NextRun") -> Row:
    """For programs, and in a list."""
    return {"due": run.due.isoformat(), "starts": run.starts.isoformat(), "blackout": run.blackout}


def past_run(run: "PastRun") -> Row:
    """For programs, in a schedule's description."""
    return {
        "due": run.due.isoformat(),
        "status": run.status,
        "name": run.name,
        "since": run.since.isoformat() if run.since else None,
        "reason": str(run.reason or ""),
    }


def past_run_text(run: "PastRun") -> str:
    """For people: when it was due, and what became of it."""
    said = f"{run.due:%Y-%m-%d %H:%M} UTC: {' '.join(filter(None, (run.status, run.name)))}"
    return f"{said}: {run.reason}" if run.reason else said


def next_run_text(run: "NextRun") -> str:
    """For people: when it is due, and when it begins if that is later."""
    later = "" if run.starts == run.due else f", begins {run.starts:%Y-%m-%d %H:%M:%S}"
    return f"{run.due:%Y-%m-%d %H:%M} UTC{later}" + (f", after the blackout {run.blackout}" if run.blackout else "")


def destination(view: "DestinationView | UnreadableDestination") -> Row:
    """In a list."""
    if isinstance(view, Unreadable):
        known = {"name": view.name, "provider": "", "place": "", "is_default": view.is_default}
        return {**known, "from_environment": False, "passphrase_is_set": False, "problem": str(view.problem)}
    return asdict(view) | {"problem": ""}


def check(tried: "Check") -> Row:
    """One thing that was tried of a destination."""
    return {"check": tried.check, "ok": tried.ok, "detail": tried.detail}


def dead_letter(letter: "DeadLetter") -> Row:
    """In a list."""
    fields = ("queue", "id", "type", "reason", "sender", "parked_at", "size")
    return {name: getattr(letter, name) for name in fields}


def texts(messages: Iterable[Message]) -> list[str]:
    """Messages as plain sentences."""
    return list(map(str, messages))


def _test(view: "RestoreView") -> Row:
    return {"test": view.test}


def _told(row: Row, output: Output) -> Row:
    """People are told nothing of what is not known of how good a backup is, and of copies that there are not."""
    names = (*verdicts.NAMES, *copies.NAMES)
    unknown = {name for name in names if not row.get(name)} if output is Output.TABLE else set[str]()
    return {name: value for name, value in row.items() if name not in unknown}


def _kept(view: "BackupView") -> Row:
    """For how long it stays."""
    return {"expires_at": view.expires_at.isoformat() if view.expires_at else None, "held": view.held}


def _running(view: "BackupView | RestoreView", of_kind: Row) -> Row:
    return {
        "name": view.name,
        "status": view.status,
        **of_kind,
        "requested_at": view.requested_at.isoformat(),
        "notes": texts(view.notes),
    }


def _unreadable(view: "BackupView | RestoreView") -> Row:
    written = view.requested_at.isoformat()
    return {"name": view.name, "status": view.status, "requested_at": written, "reason": str(view.reason or "")}


def _rejected(view: "BackupView | RestoreView", of_kind: Row, output: Output) -> Row:
    return {
        "name": view.name,
        "status": view.status,
        **of_kind,
        "requested_at": view.requested_at.isoformat(),
        "request": view.request,
        "reasons": _said(view.reasons, output),
    }


def _standing(standing: "StandingView | None", output: Output) -> Row:
    """How far it is. People get words."""
    if standing is None:
        return {}
    if output is Output.TABLE:
        volumes = f"{standing.volumes_done} of {standing.volumes}"
        return {"phase": PHASES[standing.phase], "objects": standing.objects, "volumes": volumes} | {
            "bytes": standing.bytes_done
        }
    return asdict(standing)


def _hooks(hooks: "Iterable[HookView]", output: Output) -> list[Row] | list[str]:
    return list(map(hook_text, hooks)) if output is Output.TABLE else list(map(hook, hooks))


def _messages(details: "BackupDetails | RestoreDetails", output: Output) -> Row:
    return {"errors": _said(details.errors, output), "warnings": _said(details.warnings, output)}


def _said(messages: Iterable[Message], output: Output) -> list[str]:
    say: Callable[[Message], str] = with_remedy if output is Output.TABLE else str
    return list(map(say, messages))
