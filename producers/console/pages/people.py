"""`/access`: who may sign in, and which tokens programs have. What is made is shown once, so those forms answer with a
page."""

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access import passwords, tokens, users
from producers.access.identity import DEEDS, GIVEN, PERMISSIONS, ROLES
from producers.access.tokens import Token
from producers.access.users import User
from producers.console.needs import Needs, door_of, needs_of
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen, text
from producers.session import Session
from producers.views.applications import ApplicationView, applications
from producers.views.unreadable import Unreadable
from schemas.errors import Invalid, SnaplineError

PATH = "/access"


def routes(needs: Needs) -> list[BaseRoute]:
    """None where there is no door."""
    if needs.door is None:
        return []
    return [
        page(PATH, show, "administer"),
        form(f"{PATH}/users", add, "administer"),
        page(f"{PATH}/users/{{name}}", show_user, "administer"),
        form(f"{PATH}/users/{{name}}", change, "administer"),
        form(f"{PATH}/users/{{name}}/password", new_password, "administer"),
        form(f"{PATH}/users/{{name}}/delete", delete, "administer"),
        form(f"{PATH}/tokens", make_token, "administer"),
        form(f"{PATH}/tokens/{{name}}/revoke", revoke, "administer"),
    ]


def show(request: Request, status: int = 200, **wrong: str) -> Response:
    """Both lists. `wrong` says of a form, by its name, what is wrong with it."""
    session = needs_of(request).session
    found, made = users.users(session), tokens.tokens(session)
    return render(
        request,
        "pages/access.html",
        status,
        users=[each for each in found if isinstance(each, User)],
        tokens=[each for each in made if isinstance(each, Token)],
        unreadable=[each for each in (*found, *made) if isinstance(each, Unreadable)],
        wrong={"user": "", "token": ""} | wrong,
        **_choices(session),
    )


def add(request: Request, given: FormData) -> Response:
    """A user with a password for once."""
    try:
        name = users.checked_name(text(given, "name"))
        role, apps = users.checked_role(text(given, "role")), _apps(given)
        password = passwords.one_time()
        made = User(name, role, apps, door_of(request).door.passwords.hash(password), change=True)
        if not users.create(needs_of(request).session, made):
            raise Invalid(f"there is a user {name} already", subject=name)
    except Invalid as error:
        return show(request, 400, user=str(error))
    return _once(request, "user", name, password)


def show_user(request: Request, wrong: str = "", status: int = 200) -> Response:
    """One user, and what can be changed. Raises NotFound."""
    session = needs_of(request).session
    return render(request, "pages/user.html", status, user=_user(request), wrong=wrong, **_choices(session))


def change(request: Request, given: FormData) -> Response:
    """Another role, other applications."""
    user = _user(request)
    try:
        changed = replace(user, role=users.checked_role(text(given, "role")), apps=_apps(given))
        users.put(needs_of(request).session, changed)
    except Invalid as error:
        return show_user(request, str(error), 400)
    door_of(request).now_changed(user.name)
    return seen(f"{PATH}/users/{user.name}", done="changed")


def new_password(request: Request, _: FormData) -> Response:
    """A password for once, in place of one that is lost."""
    user, door = _user(request), door_of(request)
    password = passwords.one_time()
    users.put(needs_of(request).session, replace(user, password_hash=door.door.passwords.hash(password), change=True))
    door.now_changed(user.name)
    door.door.sessions.end_those_of(user.name)
    return _once(request, "user", user.name, password)


def delete(request: Request, _: FormData) -> Response:
    """The user is gone, and signed out."""
    user, door = _user(request), door_of(request)
    if user.name == identity_of(request).name:
        return show_user(request, "you cannot delete yourself: another cluster-admin can", 400)
    users.remove(needs_of(request).session, user.name)
    door.now_changed(user.name)
    door.door.sessions.end_those_of(user.name)
    return seen(PATH, done="deleted")


def make_token(request: Request, given: FormData) -> Response:
    """A token; one of the same name is no longer good."""
    needs = needs_of(request)
    only = [str(each) for each in given.getlist("only")]
    days = text(given, "days")
    try:
        if not only:
            raise Invalid("a token that may do nothing is of no use: choose what it may do")
        if days and not (days.isdecimal() and len(days) < 6):
            raise Invalid(f"{days!r:.40} is no number of days")
        made = tokens.make(
            needs.session,
            text(given, "name"),
            text(given, "role"),
            apps=users.listed(_apps(given)),
            only=",".join(only),
            made_by=identity_of(request).name,
            now=needs.now(),
            days=int(days) if days else None,
        )
    except Invalid as error:
        return show(request, 400, token=str(error))
    return _once(request, "token", made.kept.name, made.token)


def revoke(request: Request, _: FormData) -> Response:
    """The token is no longer good."""
    tokens.forget(needs_of(request).session, request.path_params["name"])
    return seen(PATH, done="revoked")


def _once(request: Request, kind: str, name: str, shown: str) -> Response:
    return render(request, "pages/shown_once.html", kind=kind, name=name, shown=shown)


def _user(request: Request) -> User:
    name = request.path_params["name"]
    found = users.user(needs_of(request).session, name)
    if found is None:
        raise users.no_such(name)
    return found


def _apps(given: FormData) -> frozenset[str] | None:
    """All of them, or those that are chosen: by a box each, or by name. Raises Invalid."""
    if text(given, "all_apps"):
        return None
    chosen = [str(each) for each in given.getlist("app")]
    return users.granted(",".join([*chosen, text(given, "apps")]).replace(users.ALL, " "))


def _choices(session: Session) -> dict[str, object]:
    """What a user or a token can be given."""
    try:
        known = [each for each in applications(session) if isinstance(each, ApplicationView)]
    except SnaplineError:
        known = []  # they can be typed
    return {
        "roles": ROLES,
        "given": {role: [each for each in PERMISSIONS if each in GIVEN[role]] for role in ROLES},
        "permissions": PERMISSIONS,
        "deeds": DEEDS,
        "slugs": [each.slug for each in known],
    }
