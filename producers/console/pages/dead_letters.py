"""`/dead-letters`: messages that nobody could handle, by reason; give them back, edit them, or drop them."""

from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import Permission, require
from producers.actions import events as actions
from producers.actions.dead_letters import editing
from producers.console import faults
from producers.console.letters import letters
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen, text
from producers.console.shared import shared
from producers.views.dead_letters.groups import Found, dead_letters, shown
from schemas import events as e
from schemas.errors import NotFound, SnaplineError

ACT: Permission = "dead-letters"
WANTS: dict[str, Permission] = {
    "backup.requested.v1": "take",
    "restore.requested.v1": "restore",
    "backup.test_restore.requested.v1": "restore",
    "backup.delete.requested.v1": "delete",
}
"""What somebody has to be allowed who edits such a request; others are `configure`."""
OPEN = 20
"""Letters of a group that are listed; the rest is counted."""


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    return [
        page("/dead-letters", show),
        page("/dead-letters/drop", confirm, ACT),
        form("/dead-letters/redrive", redrive, ACT),
        form("/dead-letters/drop", drop, ACT),
        page("/dead-letters/{queue}/{id}", letter),
        form("/dead-letters/{queue}/{id}/edit", edit, ACT),
    ]


def show(request: Request, failed: str = "", status: int = 200) -> Response:
    """All of them, by reason. Some may be of any application, so who has some granted sees none. Or why what was asked
    for has `failed`."""
    require(identity_of(request), "view")
    found, problem, count = Found(()), "", request.query_params.get("count", "")
    try:
        found = dead_letters(needs_of(request).session)
        shared(request, letters).known(found.count)
    except SnaplineError as error:
        problem = str(error)
    return render(
        request,
        "pages/dead_letters.html",
        status,
        found=found,
        problem=problem,
        failed=failed,
        count=int(count) if count.isdecimal() and len(count) < 6 else 0,
        most=OPEN,
        place=place,
    )


def letter(request: Request) -> Response:
    """One of them, whole, to read and to edit."""
    require(identity_of(request), "view")
    return _one(request, None)


def confirm(request: Request) -> Response:
    """What dropping would take away, before it does."""
    require(identity_of(request), ACT)
    queue, ids = request.query_params.get("queue", ""), _ids(request.query_params.get("ids", ""))
    found = [each for each in needs_of(request).session.bus.dead_letters(queue) if each.id in ids]
    if not found:
        raise NotFound(f"these dead letters of {queue!r:.80} are not there any more")
    return render(request, "pages/drop_dead_letters.html", queue=queue, letters=found, ids=",".join(sorted(ids)))


def redrive(request: Request, given: FormData) -> Response:
    """Gives those chosen back to their queue."""
    require(identity_of(request), ACT)
    return _done(request, given, "redriven")


def drop(request: Request, given: FormData) -> Response:
    """Throws those chosen away."""
    require(identity_of(request), ACT)
    return _done(request, given, "dropped")


def edit(request: Request, given: FormData) -> Response:
    """Shows what an edited letter would be beside what it was; then gives it back, if it was shown before."""
    require(identity_of(request), ACT)
    session, queue, id_ = needs_of(request).session, request.path_params["queue"], request.path_params["id"]
    body = text(given, "body")
    try:
        found = editing.edited(session, queue, id_, body)
        if found.event.type in e.REQUESTS:
            require(identity_of(request), WANTS.get(found.event.type, "configure"))
        if text(given, "shown") != body or text(given, "again"):
            return _one(request, found, body)
        editing.redrive(session, queue, id_, body)
    except SnaplineError as error:
        if isinstance(error, NotFound):
            raise
        return _one(request, None, body, str(error), 400)
    shared(request, letters).changed()
    return seen("/dead-letters", done="redriven", count="1")


def place(queue: str, id_: str) -> str:
    """The page of one letter."""
    return f"/dead-letters/{quote(queue, safe='')}/{quote(id_, safe='')}"


def _one(
    request: Request, found: editing.Edited | None, body: str | None = None, problem: str = "", status: int = 200
) -> Response:
    queue, id_ = request.path_params["queue"], request.path_params["id"]
    one = found.letter if found else actions.dead_letter(needs_of(request).session, queue, id_)
    before = shown(one.body)
    return render(
        request,
        "pages/dead_letter.html",
        status,
        letter=one,
        before=before,
        body=before if body is None else body,
        cut=one.size > len(one.body),
        lines=found.lines if found else (),
        checked=found is not None,
        problem=problem,
        place=place(queue, id_),
    )


def _done(request: Request, given: FormData, done: str) -> Response:
    session, queue, ids = needs_of(request).session, text(given, "queue"), _ids(text(given, "ids"))
    act = actions.redrive if done == "redriven" else actions.drop
    try:
        count = act(session, queue, ids)
    except SnaplineError as error:
        return show(request, str(error), faults.status_of(error))
    shared(request, letters).changed()
    return seen("/dead-letters", done=done, count=str(count))


def _ids(listed: str) -> set[str]:
    return {each for each in listed.split(",") if each}
