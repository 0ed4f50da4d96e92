"""The form of a registration, and what is done with it: register, change, remove. What a license says is shown before
it is stored."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions import applications as actions
from producers.console.forms.held import HeldSecrets
from producers.console.forms.registration import shown
from producers.console.forms.typed import Typed, faults
from producers.console.needs import Needs, needs_of
from producers.console.pages.apps import attempt as attempts
from producers.console.pages.apps.attempt import Attempt
from producers.console.pages.apps.places import APPS, of_one
from producers.console.rendering import render
from producers.console.routing import identity_of, seen
from producers.console.shared import shared
from producers.console.snapshots.shelf import shelf
from producers.views import applications as views
from producers.views import schedules
from producers.views.console import rows
from producers.views.licenses.listing import registered
from producers.views.unreadable import Unreadable
from schemas.application import Application, secret_name
from schemas.errors import Code, Invalid, NotFound, SnaplineError

NO_SUCH = "no application {!r:.80} is registered"


def empty(request: Request) -> Response:
    """The form for a new one."""
    require(identity_of(request), "configure")
    return _page(request, Typed({"slug": request.query_params.get("slug", "")}))


def register(held: HeldSecrets, request: Request, given: FormData) -> Response:
    """A new one."""
    needs, who = needs_of(request), identity_of(request)
    require(who, "configure")
    sent = attempts.read(held, who, given, needs)
    if sent.form is not None and _stands(needs, sent.form.slug):
        sent = sent.with_faults({"slug": f"{sent.form.slug} is registered already: change it there"})
    return _kept(held, request, attempts.foreseen(needs, sent, None), None)


def stored(request: Request) -> Response:
    """The form as it is stored."""
    require(identity_of(request), "configure")
    known, problem = _known(needs_of(request), request.path_params["slug"])
    typed = Typed(shown(known) if known else {"slug": request.path_params["slug"]})
    return _page(request, typed, known=known, changing=True, problem=problem)


def change(held: HeldSecrets, request: Request, given: FormData) -> Response:
    """One that is there; what is no more readable is replaced."""
    needs, who, slug = needs_of(request), identity_of(request), request.path_params["slug"]
    require(who, "configure")
    known, _ = _known(needs, slug)
    return _kept(held, request, attempts.foreseen(needs, attempts.read(held, who, given, needs, slug), known), known)


def _kept(held: HeldSecrets, request: Request, sent: Attempt, known: Application | None) -> Response:
    """Stores it, or shows it again: with what is wrong, or with what its files say, which nobody has seen yet."""
    changing = "slug" in request.path_params
    if sent.form is None or sent.typed.faults:
        return _page(request, sent.typed, 422, sent=sent, known=known, changing=changing)
    if not sent.is_seen:
        return _page(request, sent.typed, 409, sent=sent, known=known, changing=changing)
    try:
        session = needs_of(request).session
        actions.register(session, sent.form.slug, **sent.form.arguments(), force=sent.forced)
    except Invalid as error:
        wrong = sent.with_faults(faults(error))
        return _page(request, wrong.typed, 422, sent=wrong, known=known, changing=changing)
    held.forget(sent.token)
    shared(request, shelf).apps_changed()
    return seen(of_one(sent.form.slug), done="changed" if changing else "registered")


def removal(request: Request) -> Response:
    """Asks before a registration is removed, with what it means."""
    needs, slug = needs_of(request), request.path_params["slug"]
    require(identity_of(request), "configure")
    known, problem = _known(needs, slug)
    listed = shared(request, shelf).listed()
    partial = rows.partial(listed.views, slug)
    return render(
        request,
        "pages/apps/removal.html",
        slug=slug,
        name=known.name if known else slug,
        problem=problem,
        snapshots=None if listed.problem else len(partial),
        held_in=len(rows.full(listed.views, slug)),
        schedules=_schedules(needs, slug),
    )


def remove(request: Request, _: FormData) -> Response:
    """Takes a registration away. Its snapshots stay."""
    require(identity_of(request), "configure")
    slug = request.path_params["slug"]
    actions.forget(needs_of(request).session, slug)
    shared(request, shelf).apps_changed()
    return seen(APPS, done="removed", of=slug)


def _page(
    request: Request,
    typed: Typed,
    status: int = 200,
    *,
    sent: Attempt | None = None,
    known: Application | None = None,
    changing: bool = False,
    problem: str = "",
) -> Response:
    needs = needs_of(request)
    stands = registered(known, needs.session.trusted_keys(), needs.now()) if known else None
    return render(
        request,
        "pages/apps/registration.html",
        status,
        typed=typed,
        sent=sent,
        stands=stands,
        changing=changing,
        problem=problem,
        asks=status == 409,
    )


def _known(needs: Needs, slug: str) -> tuple[Application | None, str]:
    """The registration; or None and why it cannot be read. Raises NotFound, and as the cluster."""
    found = actions.registered(needs.session, slug)
    if found is not None:
        return found, ""
    for each in views.applications(needs.session, needs.now()):
        if isinstance(each, Unreadable) and each.name == secret_name(slug):
            return None, each.problem.text
    raise NotFound(NO_SUCH.format(slug), code=Code.NO_SUCH_APPLICATION, subject=slug)


def _stands(needs: Needs, slug: str) -> bool:
    try:
        _known(needs, slug)
    except NotFound:
        return False
    return True


def _schedules(needs: Needs, slug: str) -> list[str]:
    """The schedules that take snapshots of it; none where they cannot be read."""
    session = needs.session
    try:
        found = list(schedules.read(session.cluster, session.settings.console_namespace))
    except SnaplineError:
        return []
    return [each.name for each in found if not isinstance(each, Unreadable) and each.app == slug]
