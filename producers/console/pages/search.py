"""`/search`: everything by its name, its application or a label; and the palette, which asks for its list alone."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import Identity, Permission, may, may_some
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of, page
from producers.console.shared import shared
from producers.console.snapshots import places
from producers.console.snapshots.shelf import shelf
from producers.views.search.matching import Thing, hits
from producers.views.search.reading import things

PAGES: Sequence[tuple[str, str, Permission, tuple[str, ...]]] = (
    ("Home", "/", "view", ("dashboard", "status", "overview", "not covered", "growth")),
    ("Full Snapshots (Instance)", "/snapshots", "view", ("backups", "start a snapshot", "take")),
    ("Partial Snapshots (Application)", "/snapshots/partial", "view", ("backups", "start a snapshot", "take")),
    (
        "Settings & Schedule",
        "/snapshots/settings",
        "configure",
        ("storage", "destination", "bucket", "schedule", "retention", "cron", "notifications", "certificate"),
    ),
    ("Restores", "/restores", "view", ("roll back",)),
    ("Activity", "/activity", "view", ("events", "log", "audit")),
    ("Dead letters", "/dead-letters", "view", ("redrive", "messages")),
    ("Applications", "/apps", "view", ("register", "registration", "backup resource", "namespaces")),
    ("License", "/license", "view", ("allow snapshots", "expiry", "signature")),
    ("Account and password", "/account", "view", ("account", "password")),
    ("Users and tokens", "/access", "administer", ("roles", "grants", "accounts")),
)
"""Title, address, who may see it, and other words for it."""
ADDRESSES = {title: place for title, place, _, _ in PAGES}
HEADINGS = {
    "page": "Pages",
    "application": "Applications",
    "schedule": "Schedules",
    "destination": "Destinations",
    "snapshot": "Snapshots",
    "restore": "Restores",
}
CONCERNS_ALL = ("/dead-letters", "/snapshots/settings", "/access")
"""Pages that nobody sees to whom only some applications are granted."""


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [page("/search", show)]


def show(request: Request) -> Response:
    """What was found of what may be seen; with `part=palette` the list alone."""
    identity, query = identity_of(request), request.query_params.get("q", "")
    listed = shared(request, shelf).listed()
    known, unread = (
        things(needs_of(request).session, None if listed.problem else listed.views) if query.strip() else ([], [])
    )
    found = hits(query, [*_pages(identity), *(each for each in known if _seen(identity, each))])
    part = request.query_params.get("part") == "palette"
    return render(
        request,
        "fragments/hits.html" if part else "pages/search.html",
        query=query,
        found=found,
        unread=unread,
        place=place,
        headings=HEADINGS,
    )


def place(thing: Thing) -> str:
    """The address of something."""
    name = quote(thing.name, safe="")
    match thing.kind:
        case "page":
            return ADDRESSES[thing.name]
        case "application":
            return places.of_list(thing.name)
        case "snapshot":
            return places.of_snapshot(thing.name, thing.app)
        case "restore":
            return f"/restores/{name}"
        case _:
            return "/snapshots/settings"


def _pages(identity: Identity) -> list[Thing]:
    return [
        Thing("page", title, "", words)
        for title, address, permission, words in PAGES
        if may_some(identity, permission) and (identity.apps is None or address not in CONCERNS_ALL)
    ]


def _seen(identity: Identity, thing: Thing) -> bool:
    if thing.kind in ("schedule", "destination"):
        return may(identity, "configure", thing.app) if thing.kind == "schedule" else may(identity, "view")
    return may(identity, "view", thing.app)
