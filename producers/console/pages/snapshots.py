"""`/snapshots` and `/snapshots/partial`: the lists of full and of partial snapshots."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import may, require
from producers.console import plots
from producers.console.kept_home import kept_home
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import identity_of, page, seen
from producers.console.shared import shared
from producers.console.snapshots import places
from producers.console.snapshots.following import following
from producers.console.snapshots.shelf import Listed, Shelf, last_size, shelf
from producers.console.snapshots.shelves import shelf_at, shelves
from producers.views.console import rows
from producers.views.console.app_names import AppName
from producers.views.console.rows import Filter
from producers.views.console.running import RunningJob
from producers.views.home.facts import CONSOLE
from schemas.errors import Code, SnaplineError
from schemas.job import backup

SETTINGS = "/snapshots/settings?configure=true"
STATES = ("All", *rows.STATES)
MOST_FOLLOWED = 5
"""Rows that say how far they have come."""


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [
        page("/snapshots", full),
        page("/snapshots/differences", lambda request: render(request, "pages/differences.html")),
        page("/snapshots/partial", picked),
        page("/snapshots/partial/{slug}", partial),
        page("/app/{slug}/snapshots", lambda request: seen(_of_app(request))),
        page("/app/{slug}/snapshots/{rest:path}", moved),
    ]


@dataclass(frozen=True)
class _List:
    """What both lists show beside their rows. `at` is the address of the list, `start` where its form goes to;
    `destination` is the one that was asked for, empty for the default one, which is the first of `destinations`."""

    page: rows.Page
    filter: Filter
    at: str
    start: str
    listed: Listed
    apps: Sequence[AppName]
    destination: str = ""
    destinations: Sequence[str] = ()

    def turned(self, number: int) -> str:
        """The address of another page of the same list; empty where there is none."""
        if not 1 <= number <= self.page.pages or number == self.page.page:
            return ""
        filter = {"q": self.filter.text, "status": self.filter.state, "app": self.filter.app}
        asked = {**filter, "destination": self.destination, "page": str(number)}
        return f"{self.at}?{urlencode({key: value for key, value in asked.items() if value and value != '1'})}"


def full(request: Request) -> Response:
    """Those of the console and all applications. Somebody to whom only some are granted sees theirs instead."""
    if not may(identity_of(request), "view"):
        return seen("/snapshots/partial", **places.kept(request))
    return _shown(request, "pages/full_snapshots.html", "/snapshots", None, app=None)


def picked(request: Request) -> Response:
    """The list of the first application that may be seen; what to do where there is none."""
    apps, problem = _visible(request)
    if apps:
        return seen(places.of_list(apps[0].slug), **places.kept(request))
    return render(request, "pages/no_applications.html", 200, problem=problem)


def partial(request: Request) -> Response:
    """Those of one application."""
    slug = request.query_params.get("of") or request.path_params["slug"]
    require(identity_of(request), "view", slug)
    if slug != request.path_params["slug"]:
        return seen(places.of_list(slug), **places.kept(request))
    at = f"/snapshots/partial/{quote(slug, safe='')}"
    return _shown(request, "pages/partial_snapshots.html", at, slug, app=slug)


def moved(request: Request) -> Response:
    """An address of older consoles: that of a snapshot of the application, or of its list."""
    rest = request.path_params["rest"]
    known = rest.partition("/")[0] not in ("", "settings")
    return seen(f"{_of_app(request)}/{quote(rest)}" if known else "/snapshots/settings")


def _of_app(request: Request) -> str:
    return f"/snapshots/partial/{quote(request.path_params['slug'], safe='')}"


def _visible(request: Request) -> tuple[list[AppName], SnaplineError | None]:
    apps, problem = shared(request, shelf).apps()
    return [each for each in apps if may(identity_of(request), "view", each.slug)], problem


def _shown(request: Request, template: str, at: str, slug: str | None, *, app: str | None) -> Response:
    known, places_known = shelf_at(request), shared(request, shelves)
    if not known.is_read(needs_of(request).patience):
        tab, title = ("partial", "Partial Snapshots") if app else ("full", "Full Snapshots")
        return render(request, "pages/reading.html", section="snapshots", tab=tab, title=title, problem="")
    listed = known.listed()
    if listed.problem is not None and listed.problem.code == Code.NO_DESTINATION:
        return seen(SETTINGS)
    wanted = _filter(request)
    apps, _ = _visible(request)
    found = _rows(known, listed, slug, wanted.app)
    asked, names = places.destination_of(request), places_known.names()
    shown = _List(rows.page(found, wanted, _number(request)), wanted, at, f"{at}/start", listed, apps, asked, names)
    far = _far(request, shown.page, last_size(listed.views, app))
    return render(
        request,
        template,
        list=shown,
        far=far,
        failures=known.failures(),
        states=STATES,
        request_id=str(uuid.uuid4()),
        standing=shared(request, kept_home).standing(app or CONSOLE, needs_of(request).glance),
        marks=plots.marks,
        slug=app,
        app_name=_name(apps, app),
    )


def _rows(known: Shelf, listed: Listed, slug: str | None, holds: str) -> list[rows.Row]:
    views = rows.full(listed.views, holds) if slug is None else rows.partial(listed.views, slug)
    return known.rows(views, slug)


def _far(request: Request, shown: rows.Page, expected: int | None) -> dict[str, RunningJob]:
    """How far those have come that are under way, by name; without those of which that cannot be told."""
    found = {}
    for row in [row for row in shown.rows if row.state == "In Progress" and row.linked][:MOST_FOLLOWED]:
        with suppress(SnaplineError):
            found[row.name] = shared(request, following).running(
                backup(row.name), expected, destination=places.destination_of(request)
            )
    return found


def _filter(request: Request) -> Filter:
    asked = request.query_params
    state = asked.get("status", "")
    return Filter(asked.get("q", "").strip(), state if state in rows.STATES else "", asked.get("app", ""))


def _number(request: Request) -> int:
    given = request.query_params.get("page", "1")
    return int(given) if given.isdecimal() and len(given) < 9 else 1


def _name(apps: Sequence[AppName], slug: str | None) -> str:
    return next((each.name for each in apps if each.slug == slug), slug or "")
