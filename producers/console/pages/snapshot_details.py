"""`/snapshots/details/:id` and `/snapshots/partial/:slug/:id`: one snapshot, as it is now."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from producers.access.identity import Permission, may, require
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of, page, seen
from producers.console.shared import shared
from producers.console.snapshots import places
from producers.console.snapshots.following import following
from producers.console.snapshots.shelf import last_size
from producers.console.snapshots.shelves import shelf_at
from producers.views.console import rows
from producers.views.console.deleted import deleted
from producers.views.console.logs import Log, log
from producers.views.console.running import RunningJob
from producers.views.console.timeline import Timeline, timeline
from producers.views.hooks import HookView, hooks
from producers.views.job_views import BackupDetails
from producers.views.volumes import VolumeView
from schemas import keys
from schemas.errors import NotFound, SnaplineError
from schemas.job import backup
from schemas.records import BackupRequest, HookResult
from workers.jobs import ledger

SHOWN = 4
"""Volumes of a card; all are in its dialog."""
SCRIPTS = 3
"""Scripts of each tab; as `SHOWN`."""
LONGEST_READ = 5.0
"""Seconds for which a log is read."""
SEES_SCRIPTS: Permission = "download"
"""Who may see what scripts ran and said: it may be anything, as may be files."""


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    made: list[BaseRoute] = []
    for place in places.BOTH:
        made += [
            page(f"{place}/volumes", all_volumes),
            page(f"{place}/logs", logs),
            page(f"{place}/logs.txt", download),
            page(f"{place}/scripts/{{phase}}", all_scripts),
            page(f"{place}/scripts/{{phase}}/{{number:int}}", output),
            page(place, show),
        ]
    return made


@dataclass(frozen=True)
class Scripts:
    """The first that ran before (`pre`) or after (`post`) the copy, of `all`, of which `failed` have failed. What they
    ran and said is there for who may see it."""

    phase: str
    shown: tuple[HookView, ...]
    all: int
    failed: int


def show(request: Request) -> Response:
    """The snapshot as it is now. One of an application has an address of its own, to which this one leads."""
    try:
        details = places.anywhere(request, "view")
    except NotFound:
        if (gone := _gone(request)) is None:
            raise
        return gone
    view = details.view
    if places.place(view) != places.of_snapshot(view.name, request.path_params.get("slug")):
        return seen(places.place(view), **places.kept(request))
    if view.status in ("Rejected", "Unreadable"):
        return render(request, "pages/refused_snapshot.html", 200, **_common(request, details))
    if view.completed_at is None:
        return render(
            request, "pages/running_snapshot.html", 200, **_common(request, details), job=_running(request, details)
        )
    return render(
        request,
        "pages/snapshot_details.html",
        200,
        **_common(request, details),
        timeline=_timeline(details),
        volumes=_largest(details),
        shown=SHOWN,
        scripts=[_scripts(request, details, phase, SCRIPTS) for phase in ("pre", "post")],
    )


def logs(request: Request) -> Response:
    """The dialog with its log."""
    details, found = _log(request)
    return render(request, "pages/snapshot_logs.html", 200, **_common(request, details), log=found)


def download(request: Request) -> Response:
    """Its log as a text file."""
    details, found = _log(request)
    text = "".join(f"{line.text}\n" for line in found.lines)
    named = {"content-disposition": f'attachment; filename="{details.view.name}.log"'}
    return PlainTextResponse(text, headers=named)


def all_volumes(request: Request) -> Response:
    """The dialog with all volumes."""
    details = places.at(request, "view")
    return render(request, "pages/all_volumes.html", 200, **_common(request, details), volumes=_largest(details))


def all_scripts(request: Request) -> Response:
    """The dialog with all scripts of one tab."""
    details, phase = places.at(request, "view"), _phase(request)
    scripts = _scripts(request, details, phase, len(details.hooks))
    return render(request, "pages/all_scripts.html", 200, **_common(request, details), scripts=scripts)


def output(request: Request) -> Response:
    """The dialog with what one script wrote."""
    details, phase, number = places.at(request, "view"), _phase(request), request.path_params["number"]
    require(identity_of(request), SEES_SCRIPTS, details.view.app)
    found = [each for each in details.hooks if each.phase == phase]
    if number >= len(found):
        raise NotFound(f"{details.view.name} has no such script")
    [script] = _read(request, found[number : number + 1])
    return render(request, "pages/script_output.html", 200, **_common(request, details), script=script)


def _log(request: Request) -> tuple[BackupDetails, Log]:
    details, session = places.at(request, "view"), needs_of(request).session
    asked = ledger.find(
        session.store(places.destination_of(request)), keys.request(backup(details.view.name)), BackupRequest
    )
    until = time.monotonic() + LONGEST_READ
    return details, log(
        session,
        backup(details.view.name),
        asked.event_id if asked else "",
        details.view.requested_at,
        lambda: time.monotonic() > until,
        destination=places.destination_of(request),
    )


def _running(request: Request, details: BackupDetails) -> RunningJob:
    """As big as the last of its kind, where nobody knows better."""
    expected = last_size(shelf_at(request).listed().views, details.view.app)
    return shared(request, following).running(
        backup(details.view.name), expected, destination=places.destination_of(request)
    )


def _common(request: Request, details: BackupDetails) -> dict[str, object]:
    return {
        "details": details,
        "view": details.view,
        "word": rows.WORDS[details.view.status],
        "row": rows.row(details.view),
        "place": places.place(details.view),
        "back": places.of_list(details.view.app),
        "lies": _lies(request, details),
    }


def _lies(request: Request, details: BackupDetails) -> tuple[str, str]:
    """The name of the destination that it lies in, and where that is; empty where that cannot be told."""
    session, name = needs_of(request).session, places.destination_of(request) or details.view.destination
    try:
        return name, session.destination(name).place
    except SnaplineError:
        return name, ""


def _gone(request: Request) -> Response | None:
    """The page of one that was deleted."""
    left = deleted(needs_of(request).session.store(places.destination_of(request)), request.path_params["name"])
    if left is None or left.app != request.path_params.get("slug"):
        return None
    require(identity_of(request), "view", left.app)
    status = 200 if "x-live" in request.headers else 410  # what a page shows anew has to be there
    return render(request, "pages/deleted_snapshot.html", status, left=left, back=places.of_list(left.app))


def _timeline(details: BackupDetails) -> Timeline:
    view = details.view
    return timeline(view.requested_at, view.completed_at or datetime.now(UTC), details.volumes, details.hooks)


def _largest(details: BackupDetails) -> list[VolumeView]:
    return sorted(details.volumes, key=lambda each: (-each.scanned_bytes, each.key))


def _scripts(request: Request, details: BackupDetails, phase: str, most: int) -> Scripts:
    found = [each for each in details.hooks if each.phase == phase]
    shown = found[:most]
    if not may(identity_of(request), SEES_SCRIPTS, details.view.app):
        shown = [each.model_copy(update={"output": ""}) for each in shown]
    return Scripts(phase, _read(request, shown), len(found), sum(bool(each.error) for each in found))


def _read(request: Request, found: list[HookResult]) -> tuple[HookView, ...]:
    session, destination = needs_of(request).session, places.destination_of(request)
    return hooks(session.store(destination), found, lambda: session.repository(destination))


def _phase(request: Request) -> str:
    phase: str = request.path_params["phase"]
    if phase not in ("pre", "post"):
        raise NotFound("scripts run before a snapshot (pre) or after it (post)")
    return phase
