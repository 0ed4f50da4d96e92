"""The event log, newest first: filtered by the address, live on top, and from any time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import visible
from producers.console.needs import needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.session import Session
from producers.views.activity.filters import Filter, may_see
from producers.views.activity.pages import EventPage, event_page
from producers.views.activity.sequence import payload
from producers.views.applications import ApplicationView, applications
from schemas import events as e
from schemas.errors import Invalid, NotFound, SnaplineError

FIELDS = ("type", "app", "subject", "q", "from", "until")
LINES = 1000
"""Events that are given as lines of JSON at once."""


def show(request: Request) -> Response:
    """One page of them. That the log cannot be read is said above an empty list."""
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    before, problem, found = _number(request.query_params.get("before", "")), "", EventPage((), None, 0)
    try:
        found = _page(request, wanted(asked), before)
    except SnaplineError as error:
        problem = str(error)
    given = {name: value for name, value in asked.items() if value}
    return render(
        request,
        "pages/activity.html",
        found=found,
        asked=asked,
        problem=problem,
        apps=_apps(request),
        is_newest=before is None,
        newest=f"/activity?{urlencode(given)}",
        older=f"/activity?{urlencode(given | {'before': str(found.older)})}" if found.older is not None else "",
        lines=f"/activity/lines?{urlencode(given)}",
        types=_types(),
        requests=e.REQUESTS,
        place=job_place,
    )


def lines(request: Request) -> Response:
    """The newest of them as they went over the wire, a line each."""
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    found = _page(request, wanted(asked), None, LINES)
    body = b"".join(e.encode(row.logged.event) + b"\n" for row in found.rows)
    return Response(body, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})


def one(request: Request) -> Response:
    """One event, whole."""
    offset = int(request.path_params["offset"])
    found = needs_of(request).session.bus.log_slice(offset, 1, offset)
    if not found or not may_see(found[0].event, identity_of(request).apps):
        raise NotFound(f"the event log has no entry {offset}, or no longer")
    logged = found[0]
    return render(request, "pages/event.html", logged=logged, body=payload(logged.event), place=job_place)


def wanted(asked: dict[str, str]) -> Filter:
    """What a form asks for. Raises Invalid for a time that is none."""
    return Filter(
        type=asked["type"],
        app=asked["app"],
        about=asked["subject"],
        text=asked["q"],
        since=_time(asked["from"], "From"),
        until=_time(asked["until"], "Until"),
    )


def job_place(event: e.AnyEvent) -> str:
    """The page of the events of the job that an event is about; empty for one about none."""
    if isinstance(event.data, e.BackupEvent | e.RestoreEvent):
        return f"/activity/jobs/{event.data.job.kind}/{event.data.job.name}"
    return ""


def _page(request: Request, chosen: Filter, before: int | None, rows: int = 50) -> EventPage:
    session: Session = needs_of(request).session
    recent = session.events.recent() if before is None else []
    return event_page(session.bus.log_slice, recent, chosen, before, identity_of(request).apps, rows)


def _apps(request: Request) -> Sequence[ApplicationView]:
    """Those that may be chosen; none, where nobody can say."""
    try:
        found = applications(needs_of(request).session)
    except SnaplineError:
        return []
    known = {each.slug: each for each in found if isinstance(each, ApplicationView)}
    return [known[slug] for slug in visible(identity_of(request), known)]


def _types() -> list[str]:
    families = sorted({f"{name.partition('.')[0]}.*" for name in e.KINDS})
    return [*families, "*.failed.v1", *sorted(e.KINDS)]


def _time(text: str, what: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{what}: {text!r:.80} is no time; write it as 2026-11-26T20:14") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
