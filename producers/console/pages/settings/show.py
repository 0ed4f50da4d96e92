"""The settings page as a whole: each card by itself, so that one that cannot be read hides no other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from producers.access.identity import may
from producers.console.needs import needs_of
from producers.console.pages.settings.desk import Desk
from producers.console.pages.settings.notifications import SentTarget, notifications_card
from producers.console.pages.settings.retention import SentPolicy, retention_card, scope_asked
from producers.console.pages.settings.schedule import ScheduleCard, Sent, schedule_card
from producers.console.pages.settings.storage import Attempt
from producers.console.pages.settings.storage_card import StorageCard, storage_card
from producers.console.rendering import render
from producers.console.routing import identity_of
from producers.session import Session
from producers.views.notifying.objectives import objectives
from producers.views.settings.readiness import readiness
from schemas import ttl as ttls
from schemas.errors import SnaplineError

T = TypeVar("T")
SentObjective = tuple[str, str, str]
"""An application, how old its last good snapshot may be as somebody writes it, and what is wrong with that."""


@dataclass(frozen=True)
class Part(Generic[T]):
    """A card, or why it cannot be shown."""

    card: T | None
    fault: str = ""


def show(desk: Desk, request: Request) -> Response:
    """The page."""
    return whole_page(desk, request)


def whole_page(
    desk: Desk,
    request: Request,
    *,
    status: int = 200,
    attempt: Attempt | None = None,
    schedule: Sent | None = None,
    policy: SentPolicy | None = None,
    target: SentTarget | None = None,
    objective: SentObjective | None = None,
) -> Response:
    """The page, with what somebody has sent and could not be stored."""
    query = request.query_params
    name, adding = query.get("destination", ""), "add" in query
    needs, who = needs_of(request), identity_of(request)

    def storage() -> StorageCard:
        return storage_card(needs, desk, name, adding=adding, attempt=attempt)

    everything = may(who, "view")
    schedules = _part(lambda: schedule_card(needs, who, query, schedule))
    scope = scope_asked(query, schedules.card.chosen if schedules.card else None)
    stored = _part(storage) if everything else None
    nothing = stored is not None and stored.card is not None and not stored.card.listed
    wanted = everything and (query.get("configure") == "true" or nothing)
    return render(
        request,
        "pages/settings.html",
        status,
        ready=readiness(needs.session) if wanted else None,
        first=nothing,
        storage=stored,
        schedule=schedules,
        retention=_part(lambda: retention_card(needs, who, scope, policy)),
        notifications=_part(lambda: notifications_card(needs, desk, who, query.get("notify"), target))
        if everything
        else None,
        objective=_part(lambda: objective or objective_of(needs.session, schedules)),
    )


def objective_of(session: Session, schedules: Part[ScheduleCard]) -> SentObjective:
    """That of the application whose schedule is shown; empty where none is."""
    app = schedules.card.chosen.app if schedules.card and schedules.card.chosen.tab == "partial" else ""
    found = objectives(session).get(app) if app else None
    return app, ttls.in_words(f"{found.total_seconds():.0f}s") if found else "", ""


def _part(card: Callable[[], T]) -> Part[T]:
    try:
        return Part(card())
    except SnaplineError as error:
        return Part(None, str(error))
