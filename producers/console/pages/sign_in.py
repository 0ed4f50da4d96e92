"""`/sign-in` and `/sign-out`: one field for the password of `admin`, a fold for other users; a password that is for
once is changed before anything else."""

from collections.abc import Callable
from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access import audit, web
from producers.access.door import Entered, MustChange, Refused
from producers.access.identity import Identity
from producers.access.users import ADMIN
from producers.console import words
from producers.console.needs import Needs, door_of, needs_of
from producers.console.rendering import render
from producers.console.routing import Anybody, form, page, seen, text
from schemas import events as e
from schemas.errors import Invalid


def routes(needs: Needs) -> list[BaseRoute]:
    """None where there is no door."""
    if needs.door is None:
        return []
    return [
        page("/sign-in", show, Anybody),
        form("/sign-in", sign_in, Anybody),
        page("/sign-in/new-password", show_new, Anybody),
        form("/sign-in/new-password", change, Anybody),
        form("/sign-out", sign_out, Anybody),
        page("/login", lambda _: seen("/sign-in"), Anybody),
    ]


def show(request: Request) -> Response:
    """The form; whoever is signed in goes on."""
    after = web.back(request.query_params.get("next", "/"))
    if request.state.identity is not None:
        return seen(after)
    return asking(request, "pages/sign_in.html", after=after, name="")


def sign_in(request: Request, given: FormData) -> Response:
    """In, or the form with what is wrong."""
    door = door_of(request)
    name, after = text(given, "name") or ADMIN, web.back(text(given, "next", "/"))
    came = door.door.sign_in(name, secret(given, "password"), door.address(request))
    match came:
        case Entered():
            return entered(request, came, after)
        case MustChange(user):
            return seen("/sign-in/new-password", name=user.name, next=after)
        case Refused():
            values = {"after": after, "name": "" if name == ADMIN else name}
            return refused(request, came, "pages/sign_in.html", **values)


def show_new(request: Request) -> Response:
    """The form for another password."""
    name, after = request.query_params.get("name", ADMIN), web.back(request.query_params.get("next", "/"))
    return asking(request, "pages/new_password.html", name=name, after=after)


def change(request: Request, given: FormData) -> Response:
    """In, with the new password; or the form with what is wrong."""
    door = door_of(request)
    name, after = text(given, "name") or ADMIN, web.back(text(given, "next", "/"))
    values = {"name": name, "after": after}
    try:
        came = door.door.change(name, secret(given, "password"), twice(given), door.address(request))
    except Invalid as error:
        return asking(request, "pages/new_password.html", 400, weak=str(error), **values)
    if isinstance(came, Refused):
        return refused(request, came, "pages/new_password.html", **values)
    door.now_changed(name)
    return entered(request, came, after)


def sign_out(request: Request, _: FormData) -> Response:
    """The session has ended."""
    answer = seen("/sign-in")
    door_of(request).show_out(request, answer)
    if (identity := request.state.identity) is not None:
        answer.background = recorded(request, identity, "sign-out")
    return answer


def asking(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A form for somebody who is not signed in."""
    door = door_of(request)
    visit = door.visit(request) or web.new_visit()
    known: dict[str, object] = {"wrong": "", "weak": "", "single": door.single is not None}
    answer = render(request, template, status, form_token=web.form_token(visit), **(known | values))
    if door.session_id(request):
        door.drop_cookie(request, answer, web.COOKIE)
    door.welcome(request, answer, visit)
    return answer


def entered(request: Request, came: Entered, after: str, on: str = "") -> Response:
    """The browser has its session."""
    answer = seen(after)
    door_of(request).let_in(request, answer, came.id)
    answer.background = recorded(request, came.user.identity, "sign-in", on)
    return answer


def refused(request: Request, came: Refused, template: str, **values: object) -> Response:
    """The form, with how many tries are left."""
    answer = asking(request, template, 403 if came.left else 429, wrong=said(came, request), **values)
    if not came.left:
        answer.headers["retry-after"] = str(int(came.pause) + 1)
    identity = came.user.identity if came.user else None
    answer.background = recorded(request, identity, "sign-in", outcome="refused")
    return answer


def said(came: Refused, request: Request) -> str:
    """What is wrong, in the same words for a name that nobody has."""
    if came.left:
        tries = "1 try is" if came.left == 1 else f"{came.left} tries are"
        return f"That is not the password. {tries} left; then logging in pauses for 5 min."
    again = needs_of(request).now() + timedelta(seconds=came.pause)
    return (
        f"Too many wrong passwords: logging in pauses until {again:%H:%M:%S} UTC, "
        f"for {words.duration(timedelta(seconds=came.pause))}."
    )


def recorded(
    request: Request, identity: Identity | None, act: e.Act, on: str = "", outcome: e.Acted = "done"
) -> BackgroundTask:
    """The audit trail gets it once the answer is sent: a broker that is away keeps nobody out."""
    address, session = door_of(request).address(request), needs_of(request).session
    keep: Callable[..., e.AuditRecorded] = audit.record
    return BackgroundTask(keep, session, identity, act, on, address=address, outcome=outcome)


def secret(given: FormData, name: str) -> str:
    """A password as it was typed."""
    found = given.get(name, "")
    return found if isinstance(found, str) else ""


def twice(given: FormData) -> str:
    """The new password. Raises Invalid if it was not typed the same twice."""
    new = secret(given, "new")
    if new != secret(given, "again"):
        raise Invalid("the new password was typed in two ways; type it again")
    return new
