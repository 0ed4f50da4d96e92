"""The plan of a restore: made when it is shown and again when it is confirmed, and shown again if it differs."""

import secrets

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.actions import jobs
from producers.console.needs import needs_of
from producers.console.pages.restores.asking import (
    PLAN,
    asked_for,
    command,
    fields,
    may_restore,
    of_progress,
    plan_address,
)
from producers.console.pages.restores.choose import MISMATCH
from producers.console.rendering import render
from producers.console.routing import form, page, seen, text
from producers.views.jobs import backup, find
from producers.views.restore_plan.asked import Asked
from producers.views.restore_plan.plan import RestorePlanView, kinds, restore_plan
from schemas.errors import Invalid, NotFound
from schemas.job import Job

MOST_SHOWN = 50
"""Objects of one effect that are listed by name."""
NAME_MISMATCH = "The name you entered does not match the snapshot"


def routes() -> list[BaseRoute]:
    """See the module."""
    return [page(PLAN, show), form(PLAN, confirm, "restore")]


def show(request: Request) -> Response:
    """What the restore would do."""
    asked = asked_for(request.query_params)
    may_restore(request, asked)
    plan = restore_plan(needs_of(request).session, asked, needs_of(request).now())
    return _page(request, plan, request.query_params.get("slug", ""))


def confirm(request: Request, given: FormData) -> Response:
    """Asks for the restore, if it would still do what was seen. The same form twice is one restore."""
    asked, id_, typed = asked_for(given), text(given, "request"), text(given, "slug")
    may_restore(request, asked)
    session, now = needs_of(request).session, needs_of(request).now()
    if not 16 <= len(id_) <= 64:
        raise Invalid("the form is not complete; open the plan anew")
    if (begun := _begun(request, asked, id_)) is not None:
        return seen(_followed(request, asked, begun.name))
    plan = restore_plan(session, asked, now)
    if typed != word_of(plan):
        return _page(request, plan, typed, id_, error=MISMATCH if plan.app else NAME_MISMATCH, status=400)
    if plan.mark != text(given, "mark"):
        return _page(request, plan, "", id_, changed=True, status=409)
    if plan.impossible:
        return _page(request, plan, typed, id_, status=409)
    requested = jobs.restore(
        session,
        asked.backup,
        plan.scope,
        plan.app,
        keep_newer=asked.keep_newer,
        safety_snapshot=asked.safety_snapshot,
        namespace_mapping=asked.namespace_mapping,
        destination=asked.destination,
        id=id_,
    )
    return seen(_followed(request, asked, requested.job.name))


def word_of(plan: RestorePlanView) -> str:
    """What has to be typed to confirm: the application's slug, or the snapshot's name where all are concerned."""
    return plan.app or plan.asked.backup


def _begun(request: Request, asked: Asked, id_: str) -> Job | None:
    """The job that the same form has made already."""
    session = needs_of(request).session
    job = jobs.named(session, "restore", asked.backup, id_)
    try:
        return find(session.store(asked.destination), job.name)
    except NotFound:
        return None


def _followed(request: Request, asked: Asked, name: str) -> str:
    needs = needs_of(request)
    partial = backup(needs.session.store(asked.destination), asked.backup).view.app is not None
    return of_progress(asked, partial, name, since=str(int(needs.now().timestamp())))


def _page(
    request: Request,
    plan: RestorePlanView,
    typed: str,
    id_: str = "",
    *,
    error: str = "",
    changed: bool = False,
    status: int = 200,
) -> Response:
    return render(
        request,
        "pages/restores/plan.html",
        status,
        plan=plan,
        fields=fields(plan.asked),
        typed=typed,
        word=word_of(plan),
        error=error,
        changed=changed,
        request_id=id_ or secrets.token_hex(16),
        kinds=kinds,
        most=MOST_SHOWN,
        command_text=command(plan.asked),
        again=plan_address(plan.asked),
    )
