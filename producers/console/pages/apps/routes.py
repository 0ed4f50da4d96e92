"""Which address does what."""

from functools import partial

from starlette.routing import BaseRoute

from producers.console.forms.held import HeldSecrets
from producers.console.needs import Needs
from producers.console.pages.apps import deeds, listing
from producers.console.pages.apps.places import APPS, NEW, OF_ONE
from producers.console.routing import form, page


def routes(needs: Needs) -> list[BaseRoute]:
    """All of the applications."""
    held = HeldSecrets(needs.now)
    return [
        page(APPS, listing.show),
        page(NEW, deeds.empty, "configure"),
        form(NEW, partial(deeds.register, held), "configure"),
        page(OF_ONE, deeds.stored, "configure"),
        form(OF_ONE, partial(deeds.change, held), "configure"),
        page(f"{OF_ONE}/remove", deeds.removal, "configure"),
        form(f"{OF_ONE}/remove", deeds.remove, "configure"),
    ]
