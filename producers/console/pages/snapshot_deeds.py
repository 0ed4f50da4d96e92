"""What is done with snapshots by forms: start one, cancel it, delete it, keep it. Each dialog is a page as well."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from producers.access.identity import require
from producers.actions import holds, jobs, verification
from producers.console.needs import Needs, needs_of
from producers.console.rendering import render
from producers.console.routing import form, identity_of, page, seen, text
from producers.console.snapshots import places
from producers.console.snapshots.shelves import shelf_at
from producers.views.console import deletion, rows
from schemas.errors import Code, Invalid

LONGEST_ID = 100


def routes(_: Needs) -> list[BaseRoute]:
    """See the module."""
    made: list[BaseRoute] = [
        form("/snapshots/start", start, "take"),
        form("/snapshots/partial/{slug}/start", start, "take"),
    ]
    for place in places.BOTH:
        made += [
            page(f"{place}/delete", ask_to_delete, "delete"),
            form(f"{place}/delete", delete, "delete"),
            page(f"{place}/cancel", ask_to_cancel, "cancel"),
            form(f"{place}/cancel", cancel, "cancel"),
            form(f"{place}/verify", verify, "take"),
            form(f"{place}/hold", hold, "delete"),
            form(f"{place}/unhold", unhold, "delete"),
        ]
    return made


def start(request: Request, given: FormData) -> Response:
    """Asks for a snapshot. A form that is sent twice makes one, since the request has the form's id."""
    app: str | None = request.path_params.get("slug")
    require(identity_of(request), "take", app)
    known, session = shelf_at(request), needs_of(request).session
    views = known.listed().views
    under = rows.page(known.rows(rows.partial(views, app) if app else rows.full(views), app), rows.Filter()).blocker
    id_ = text(given, "request")[:LONGEST_ID] or None
    if under is not None:
        why = "You can't start a snapshot while another one is In Progress"
        raise Invalid(f"{why}: {under.name}", code=Code.NOT_FINISHED, subject=under.name)
    known.began(jobs.take(session, app, id=id_, destination=places.destination_of(request)), app)
    return seen(places.of_list(app), **places.kept(request))


def ask_to_delete(request: Request) -> Response:
    """The dialog: what is deleted, what is left alone, and for whom it is the last good one."""
    details = places.at(request, "delete")
    views = shelf_at(request).listed().views
    return render(
        request,
        "pages/delete_snapshot.html",
        view=details.view,
        word=rows.WORDS[details.view.status],
        hold=details.hold,
        last=deletion.last_good(views, details.view.name),
        place=places.place(details.view),
        back=places.of_list(details.view.app),
    )


def delete(request: Request, _: FormData) -> Response:
    """Asks for the deletion. The row says so at once."""
    view = places.at(request, "delete").view
    shelf_at(request).deletes(
        jobs.delete(needs_of(request).session, view.name, destination=places.destination_of(request))
    )
    return seen(places.of_list(view.app), **places.kept(request))


def ask_to_cancel(request: Request) -> Response:
    """The dialog: what is given up, and what stays."""
    details = places.at(request, "cancel")
    if details.view.completed_at is not None or details.view.status == "Rejected":
        raise Invalid(f"{details.view.name} has ended already", code=Code.ALREADY_ENDED, subject=details.view.name)
    return render(
        request,
        "pages/cancel_snapshot.html",
        view=details.view,
        standing=details.standing,
        place=places.place(details.view),
    )


def cancel(request: Request, _: FormData) -> Response:
    """Cancels it, and shows it."""
    view = places.at(request, "cancel").view
    jobs.cancel(needs_of(request).session, view.name, destination=places.destination_of(request))
    shelf_at(request).changed()
    return seen(places.place(view), **places.kept(request))


def verify(request: Request, _: FormData) -> Response:
    """Asks for it to be read back, all of it."""
    view = places.at(request, "take").view
    verification.verify(needs_of(request).session, view.name, destination=places.destination_of(request))
    return seen(places.place(view), **places.kept(request), done="verify")


def hold(request: Request, given: FormData) -> Response:
    """Keeps it until it is let go."""
    view = places.at(request, "delete").view
    who = identity_of(request).name
    reason = text(given, "reason")[:200]
    said = f"{reason} ({who})" if reason else f"held by {who}"
    holds.hold(needs_of(request).session, view.name, said, destination=places.destination_of(request))
    shelf_at(request).changed()
    return seen(places.place(view), **places.kept(request), done="held")


def unhold(request: Request, _: FormData) -> Response:
    """Lets it go."""
    view = places.at(request, "delete").view
    holds.unhold(needs_of(request).session, view.name, destination=places.destination_of(request))
    shelf_at(request).changed()
    return seen(places.place(view), **places.kept(request), done="unheld")
