"""`/activity`: what has happened, as the line told it."""

from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.pages.activity import events, job
from producers.console.routing import page


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [
        page("/activity", events.show),
        page("/activity/lines", events.lines),
        page("/activity/events/{offset:int}", events.one),
        page("/activity/jobs/{kind}/{name}", job.show),
    ]
