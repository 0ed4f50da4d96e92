"""Which address does what."""

from collections.abc import Callable
from functools import partial

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.console.forms.held import HeldSecrets
from producers.console.needs import Needs
from producers.console.pages.settings import (
    notification_deeds,
    objective_deeds,
    retention_deeds,
    schedule_deeds,
    storage_deeds,
)
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.show import show
from producers.console.routing import form, page
from producers.views.settings.last_checks import Latest

Deed = Callable[[Desk, Request, FormData], Response]
DEEDS: dict[str, Deed] = {
    "/storage": storage_deeds.update,
    "/destinations/{name}/check": storage_deeds.check,
    "/destinations/{name}/default": storage_deeds.make_default,
    "/destinations/{name}/remove": storage_deeds.remove,
    "/schedule": schedule_deeds.update,
    "/schedules/{name}/pause": schedule_deeds.pause,
    "/schedules/{name}/resume": schedule_deeds.resume,
    "/schedules/{name}/remove": schedule_deeds.remove,
    "/retention": retention_deeds.update,
    "/retention/remove": retention_deeds.remove,
    "/notifications": notification_deeds.update,
    "/notifications/{name}/test": notification_deeds.test,
    "/notifications/{name}/remove": notification_deeds.remove,
    "/objective": objective_deeds.update,
}
"""What forms do, by where they are sent to."""


def routes(needs: Needs) -> list[BaseRoute]:
    """All of the settings."""
    desk = Desk(HeldSecrets(needs.now), Latest(), Latest())
    return [
        page(PATH, partial(show, desk)),
        page(f"{PATH}/destinations/{{name}}/remove", storage_deeds.removal, "configure"),
        page(f"{PATH}/schedule/preview", schedule_deeds.preview),
        page(f"{PATH}/retention/preview", retention_deeds.preview),
        form(f"{PATH}/schedules/{{name}}/run", partial(schedule_deeds.run_now, desk), "take"),
        *(form(PATH + path, partial(deed, desk), "configure") for path, deed in DEEDS.items()),
    ]
