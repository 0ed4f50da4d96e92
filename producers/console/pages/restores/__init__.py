"""Restores: what to restore, what that would do, how it goes, and all of them as a list."""

from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.pages.restores import choose, listing, plan, progress


def routes(_: Needs) -> list[BaseRoute]:
    """See the module. What is more special comes first."""
    return [*choose.routes(), *plan.routes(), *listing.routes(), *progress.routes()]
