"""The card of schedules: full ones, those of one application, and any other by its name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams

from producers.access.identity import Identity, may
from producers.console.forms.schedule import ENTER, ScheduleForm
from producers.console.forms.typed import WHOLE, Typed, faults
from producers.console.needs import Needs
from producers.session import Session
from producers.views import applications
from producers.views import schedules as views
from producers.views.schedules import ScheduleView
from producers.views.settings.schedule_words import Upcoming, in_words, interval_of, upcoming
from producers.views.unreadable import Unreadable
from schemas import ttl as ttls
from schemas.errors import Invalid, NotFound, SnaplineError
from schemas.schedule import PRESETS, Schedule

INSTANCE = "instance"
"""What the schedule of full snapshots is called."""
Tab = Literal["full", "partial", "other"]


@dataclass(frozen=True)
class Chosen:
    """Which schedule the card is about; on the tab `partial` that of `app`, on `other` the one called `name`."""

    tab: Tab
    app: str = ""
    name: str = ""

    @property
    def schedule(self) -> str:
        """What it is called; empty for one that has no name yet."""
        return {"full": INSTANCE, "partial": self.app, "other": self.name}[self.tab]


@dataclass(frozen=True)
class Sent:
    """What somebody has typed about a schedule. `form` is what it means, if nothing is wrong with it."""

    chosen: Chosen
    typed: Typed
    copy_to: Sequence[str] = ()
    form: ScheduleForm | None = None

    def with_fault(self, error: SnaplineError) -> "Sent":
        """With why it could not be stored."""
        return replace(self, typed=Typed(self.typed.values, {WHOLE: str(error)}))


@dataclass(frozen=True)
class Preview:
    """What an expression says, and when it is due next, or what is wrong with it."""

    said: str = ""
    next: Sequence[Upcoming] = ()
    fault: str = ""


@dataclass(frozen=True)
class ScheduleCard:
    """`apps` are slug and name of each that may be chosen; `listed` all schedules that may be seen; `stored` the chosen
    one as it is, if it is."""

    chosen: Chosen
    apps: Sequence[tuple[str, str]]
    typed: Typed
    copy_to: Sequence[str]
    preview: Preview
    stored: ScheduleView | None
    listed: Sequence[ScheduleView | Unreadable]
    destinations: Sequence[str]
    may_change: bool


def chosen(query: QueryParams, slugs: Sequence[str], *, everything: bool) -> Chosen:
    """What an address asks for: `?<slug>` as in KOTS, or `?app=`, or `?schedule=`. Who may not see everything begins
    with their first application."""
    if "schedule" in query:
        name = query["schedule"]
        return Chosen("full") if name == INSTANCE else Chosen("other", name=name)
    bare = [key for key, value in query.multi_items() if not value and key in slugs]
    slug = query.get("app") or next(iter(bare), "")
    if slug or not everything:
        return Chosen("partial", app=slug if slug in slugs else next(iter(slugs), ""))
    return Chosen("full")


def read(given: FormData | QueryParams) -> Sent:
    """What was typed, and what it means if nothing is wrong."""
    values = {key: value for key, value in given.items() if isinstance(value, str) and key not in ("csrf", "copy_to")}
    values = {key: value.strip() for key, value in values.items()}
    tab: Tab = "full" if values.get("tab") == "full" else "partial" if values.get("tab") == "partial" else "other"
    app = "" if tab == "full" else values.get("app", "")
    about, ticked = Chosen(tab, app, values.get("name", "")), copies(given)
    try:
        return Sent(
            about, Typed(values), ticked, ScheduleForm.model_validate({**values, "app": app, "copy_to": ticked})
        )
    except ValidationError as error:
        return Sent(about, Typed(values, faults(error)), ticked)


def copies(given: FormData | QueryParams) -> list[str]:
    """The destinations that are ticked."""
    return [each for each in given.getlist("copy_to") if isinstance(each, str) and each]


def previewed(typed: Typed, form: ScheduleForm | None, needs: Needs) -> Preview:
    """Of what was typed."""
    if form is None:
        said = typed.fault("expression") or next(iter(typed.faults.values()), ENTER)
        return Preview(fault=said)
    try:
        made = form.schedule()
        return Preview(in_words(made.expression, made.time_zone), upcoming(made, needs.now()))
    except (Invalid, ValidationError) as error:
        return Preview(fault=str(error) if isinstance(error, Invalid) else ENTER)


def schedule_card(needs: Needs, who: Identity, query: QueryParams, sent: Sent | None = None) -> ScheduleCard:
    """With what somebody has sent, if that was not stored. Raises as the cluster."""
    session = needs.session
    apps = [(slug, name) for slug, name in named(session) if may(who, "view", slug)]
    about = sent.chosen if sent else chosen(query, [slug for slug, _ in apps], everything=may(who, "view"))
    listed = [each for each in views.schedules(session, needs.now()) if _visible(who, each)]
    stored, problem = _stored(session, about.schedule, needs)
    if stored and not _visible(who, stored):
        raise NotFound(f"there is no schedule {about.schedule!r:.80}")
    typed, form = (sent.typed, sent.form) if sent else _shown(about, stored)
    return ScheduleCard(
        chosen=about,
        apps=apps,
        typed=Typed(typed.values, {WHOLE: problem, **typed.faults}) if problem else typed,
        copy_to=sent.copy_to if sent else stored.set.copy_to if stored else (),
        preview=previewed(typed, form, needs),
        stored=stored,
        listed=listed,
        destinations=session.destinations.names(),
        may_change=may(who, "configure", about.app or (stored.set.app if stored else None)),
    )


def named(session: Session) -> list[tuple[str, str]]:
    """Slug and name of each application that can be read."""
    found = applications.applications(session)
    return [(each.slug, each.name) for each in found if not isinstance(each, Unreadable)]


def _visible(who: Identity, each: ScheduleView | Unreadable) -> bool:
    return may(who, "view", None if isinstance(each, Unreadable) else each.set.app)


def _stored(session: Session, name: str, needs: Needs) -> tuple[ScheduleView | None, str]:
    """The one of that name, if there is one, or why it cannot be read."""
    try:
        return (views.schedule(session, name, needs.now()) if name else None), ""
    except NotFound:
        return None, ""
    except Invalid as error:
        return None, str(error)


def _shown(about: Chosen, stored: ScheduleView | None) -> tuple[Typed, ScheduleForm | None]:
    """What the form shows of a schedule, or begins with."""
    values = _values(stored.set) if stored else _usual(about)
    values |= {"interval_before": values["interval"], "expression_before": values["expression"]}
    form = ScheduleForm.model_validate({**values, "expression_before": ""})
    return Typed(values), form


def _usual(about: Chosen) -> dict[str, str]:
    return {
        "name": "",
        "app": about.app,
        "enabled": "",
        "interval": "daily",
        "expression": PRESETS["daily"],
        "time_zone": "UTC",
        "does": "backup",
        "depth": "sample",
        "within": "30 days",
        "missed": "once",
    }


def _values(stored: Schedule) -> dict[str, str]:
    return {
        "name": stored.name,
        "app": stored.app or "",
        "enabled": "" if stored.paused else "on",
        "interval": (interval := interval_of(stored.expression)),
        "expression": PRESETS.get(interval, stored.expression),
        "time_zone": stored.time_zone,
        "does": stored.does,
        "depth": stored.depth,
        "within": ttls.in_words(stored.within),
        "destination": stored.destination,
        "ttl": ttls.in_words(stored.ttl) if stored.ttl else "",
        "jitter": stored.jitter or "",
        "blackouts": "\n".join(stored.blackouts),
        "missed": stored.missed,
    }
