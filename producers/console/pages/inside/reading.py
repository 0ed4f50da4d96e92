"""What one may see of a backup: all, or what belongs to the applications that are granted."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from producers.access.identity import may
from producers.console.needs import needs_of
from producers.console.routing import identity_of
from producers.views.inside.objects import HeldObject, held_objects
from producers.views.inside.visible import visible_objects, visible_volumes
from producers.views.volumes import VolumeView, choose, volumes
from schemas.events import THE_DEFAULT


@dataclass(frozen=True)
class Inside:
    """What a backup holds, as far as who asks may see it."""

    name: str
    destination: str
    objects: Sequence[HeldObject]
    volumes: Sequence[VolumeView]

    def volume(self, key: str) -> VolumeView:
        """One of them. Raises NotFound, Invalid."""
        return choose(self.volumes, key, self.name)


def inside(request: Request, name: str | None = None) -> Inside:
    """The backup that the path names, or `name`. Raises NotFound, Damaged, Denied."""
    session, identity = needs_of(request).session, identity_of(request)
    called = name or str(request.path_params["name"])
    destination = request.query_params.get("destination", THE_DEFAULT)
    store = session.store(destination)
    found = held_objects(store, called, lambda: session.repository(destination))
    held = volumes(store, called)
    if identity.apps is not None:
        found = visible_objects(found, lambda owner: may(identity, "view", owner))
        held = visible_volumes(held, found)
    return Inside(called, destination, found, held)


def query(**values: str) -> dict[str, str]:
    """The parameters of a link, without those that say nothing."""
    return {name: value for name, value in values.items() if value}
