"""The web application: pages, the live stream, and files that do not change."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from producers.access.guard import BodyLimit, Guard
from producers.console import faults
from producers.console.kept_home import kept_home
from producers.console.needs import Needs
from producers.console.pages import (
    account,
    activity,
    apps,
    dead_letters,
    home,
    inside,
    license,
    live,
    people,
    restores,
    search,
    settings,
    sign_in,
    single_sign_on,
    snapshot_deeds,
    snapshot_details,
    snapshots,
    styleguide,
    theme,
)
from producers.console.pages import api as api_page
from producers.console.shared import of_application
from producers.http import routes as api
from producers.http.api import serving
from schemas.errors import SnaplineError

STATIC = Path(__file__).parent / "static"
GZIP = 5
"""How hard pages are compressed. Their lengths could tell a form's token (https://www.breachattack.com) to who makes a
browser ask many times; that token alone is good for nothing, as forms of other sites are refused anyway."""
PAGES: Sequence[Callable[[Needs], list[BaseRoute]]] = (
    account.routes,
    api_page.routes,
    activity.routes,
    apps.routes,
    dead_letters.routes,
    home.routes,
    inside.routes,
    license.routes,
    live.routes,
    people.routes,
    restores.routes,
    search.routes,
    settings.routes,
    snapshot_deeds.routes,
    snapshot_details.routes,
    snapshots.routes,
    sign_in.routes,
    single_sign_on.routes,
    styleguide.routes,
    theme.routes,
)
"""One file a page."""


def application(needs: Needs) -> Starlette:
    """The ASGI application."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        home = of_application(app, kept_home)
        home.home(0)  # what takes long the first time is read before anybody asks
        yield
        home.close()
        needs.hub.close()

    made = Starlette(
        routes=[
            *(route for page in PAGES for route in page(needs)),
            *api.routes(serving.Needs(needs.session, needs.access, needs.now)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={
            SnaplineError: faults.known,
            HTTPException: faults.unserved,
            Exception: faults.unexpected,
        },
        middleware=[Middleware(GZipMiddleware, compresslevel=GZIP), Middleware(BodyLimit)],
        lifespan=lifespan,
    )
    made.state.needs = needs
    made.middleware_stack = Guard(
        made.build_middleware_stack(), needs.door.way if needs.door else None, open_to_all=("/events",)
    )
    return made
