"""What is done with retention policies: preview, store, remove."""

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import require
from producers.actions import retention as actions
from producers.console.needs import needs_of
from producers.console.pages.settings import retention
from producers.console.pages.settings.desk import PATH, Desk
from producers.console.pages.settings.retention import SentPolicy
from producers.console.pages.settings.show import whole_page
from producers.console.rendering import render
from producers.console.routing import identity_of, seen, text
from producers.views.settings.retention_preview import previewed
from schemas.errors import Invalid, NotFound


def preview(request: Request) -> Response:
    """What the rules that are typed so far would delete now."""
    needs, sent = needs_of(request), retention.read(request.query_params)
    require(identity_of(request), "view", retention.app_of(needs.session, sent.scope))
    card = retention.retention_card(needs, identity_of(request), sent.scope, sent)
    return render(request, "fragments/settings/retention-preview.html", card=card)


def update(desk: Desk, request: Request, given: FormData) -> Response:
    """Stores the rules. If they would delete anything that has not been shown, that is shown first."""
    needs, sent = needs_of(request), retention.read(given)
    require(identity_of(request), "configure", retention.app_of(needs.session, sent.scope))
    if sent.rules is None:
        return whole_page(desk, request, status=422, policy=sent)
    would = previewed(needs.session, sent.scope, sent.rules, needs.now())
    if would.digest and would.digest != sent.seen:
        return whole_page(desk, request, status=409, policy=replace(sent, unseen=True))
    try:
        actions.put(needs.session, sent.scope, sent.rules)
    except (Invalid, NotFound) as error:
        return whole_page(desk, request, status=422, policy=sent.with_fault(error))
    return _done(sent, "retention")


def remove(_: Desk, request: Request, given: FormData) -> Response:
    """Takes the rules of a scope away: snapshots keep the end that they have."""
    needs, scope = needs_of(request), text(given, "scope")
    require(identity_of(request), "configure", retention.app_of(needs.session, scope))
    actions.forget(needs.session, scope)
    return seen(PATH, scope=scope, done="retention")


def _done(sent: SentPolicy, word: str) -> Response:
    kind, _, name = sent.scope.partition("/")
    return seen(PATH, **({"app": name} if kind == "app" else {"scope": sent.scope}), done=word)
