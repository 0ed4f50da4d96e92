"""Two backups side by side: their objects and their files."""

from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import may
from producers.console.needs import needs_of
from producers.console.pages.inside.reading import inside
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.views.catalog import open_catalog
from producers.views.inside.comparing import compare
from producers.views.job_views import BackupView
from schemas.events import THE_DEFAULT

MOST = 500
"""Objects, and files, that are shown."""


def show(request: Request) -> Response:
    """A form, and what differs between the two that are chosen."""
    asked = request.query_params
    before, after, volume = asked.get("before", ""), asked.get("after", ""), asked.get("volume", "")
    known: dict[str, Any] = {
        "backups": finished(request),
        "before": before,
        "after": after,
        "volume": volume,
        "objects": None,
        "files": None,
        "volumes": [],
        "most": MOST,
    }
    if not (before and after):
        return render(request, "pages/inside/compare.html", **known)
    was, now = inside(request, before), inside(request, after)
    differences = compare(was.objects, now.objects)
    keys = sorted({each.key for each in was.volumes} & {each.key for each in now.volumes})
    known |= {"objects": differences, "volumes": keys}
    if volume in keys:
        from producers.actions import files

        found = files.diff(needs_of(request).session, before, after, volume, destination=was.destination)
        known["files"] = list(islice((difference for _, difference in found), MOST + 1))
    return render(request, "pages/inside/compare.html", **known)


def finished(request: Request) -> list[BackupView]:
    """The backups that hold something, and of which one may see anything; the newest first."""
    identity = identity_of(request)
    found = open_catalog(needs_of(request).session, request.query_params.get("destination", THE_DEFAULT)).backups()
    return [
        each
        for each in found
        if each.status in ("Completed", "PartiallyFailed")
        and (identity.apps is None or any(may(identity, "view", app) for app in each.apps))
    ]
