"""One object, or one file, through the backups that hold it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from producers.console.needs import needs_of
from producers.console.pages.inside.comparing import finished
from producers.console.pages.inside.files import moment, path_of
from producers.console.pages.inside.reading import inside
from producers.console.rendering import render
from producers.views.inside import history
from producers.views.inside.objects import HeldObject, choose
from schemas.errors import NotFound


def of_object(request: Request) -> Response:
    """In which backups it is, and where it has changed."""
    asked, held = request.query_params, inside(request)
    found = choose(held.objects, asked.get("kind", ""), asked.get("namespace", ""), asked.get("name", ""))

    def read(name: str) -> Sequence[HeldObject]:
        return inside(request, name).objects

    seen = history.of_object(finished(request), found.key, read)
    link = {"kind": found.kind, "namespace": found.namespace, "name": found.name}
    return _page(request, held.name, f"{found.kind} {found.namespace or ''}/{found.name}", seen, "object", link)


def of_file(request: Request) -> Response:
    """In which backups it is, how large, and when it was changed."""
    held = inside(request)
    volume, path = held.volume(request.query_params.get("volume", "")), path_of(request)
    from producers.actions import files

    session = needs_of(request).session

    def find(name: str) -> tuple[int, int] | None:
        if volume.key not in {each.key for each in inside(request, name).volumes}:
            return None
        try:
            listed = next(files.ls(session, name, volume.key, path, destination=held.destination))
        except NotFound:
            return None
        return listed.size or 0, listed.mtime or 0

    seen = history.of_file(finished(request), find)
    directory = path.strip("/").rpartition("/")[0]
    return _page(request, held.name, f"{volume.key}: {path}", seen, "files", {"volume": volume.key, "path": directory})


def _page(
    request: Request, name: str, what: str, seen: Sequence[history.Appearance], page: str, link: dict[str, str]
) -> Response:
    return render(
        request,
        "pages/inside/history.html",
        name=name,
        what=what,
        seen=seen,
        most=history.MOST,
        moment_of=moment,
        link=lambda backup: f"/snapshots/inside/{backup}/{page}?{urlencode(link, errors='replace')}",
        compare=lambda each: f"/snapshots/compare?{urlencode({'before': each.before, 'after': each.backup})}",
    )
