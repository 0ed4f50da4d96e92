"""Schedules, and for how long backups are kept."""

from pydantic import Field

from producers.access.identity import may
from producers.actions import retention as retention_actions
from producers.actions import schedules as actions
from producers.http.api.operation import Call
from producers.http.ours.answers import Asked, asked
from producers.http.ours.backups import Given
from producers.views import schedules as views
from producers.views.retention import Previewed, RulesView, preview, rules
from producers.views.schedules import ScheduleView
from producers.views.unreadable import Unreadable
from schemas.errors import Invalid
from schemas.events import MAX_ID, Depth
from schemas.retention import Rules
from schemas.schedule import Does, Missed

Text = str | None


class ScheduleGiven(Given):
    """What a schedule is; what is left out stays as it was, and an empty text takes a value away."""

    expression: Text = Field(default=None, max_length=300)
    app: Text = Field(default=None, max_length=300)
    destination: Text = Field(default=None, max_length=300)
    copy_to: list[str] | None = Field(default=None, max_length=20)
    ttl: Text = Field(default=None, max_length=80)
    time_zone: Text = Field(default=None, max_length=80)
    jitter: Text = Field(default=None, max_length=80)
    blackouts: list[str] | None = Field(default=None, max_length=50)
    missed: Missed | None = None
    paused: bool | None = None
    does: Does | None = None
    depth: Depth | None = None
    within: Text = Field(default=None, max_length=80)
    check_command: Text = Field(default=None, max_length=2000)
    check_in: Text = Field(default=None, max_length=300)
    probe: Text = Field(default=None, max_length=2000)


class RunNow(Given):
    """The same `id` makes the same job."""

    id: str | None = Field(default=None, min_length=1, max_length=MAX_ID)


class ToPreview(Given):
    """Rules to try, by their scope, in place of those that there are."""

    rules: dict[str, Rules] = Field(default={}, max_length=100)
    destination: str = Field(default="", max_length=300)


def list_schedules(call: Call) -> list[ScheduleView | Unreadable]:
    """All schedules: what they mean, when they are due next, and what became of their last run."""
    found = views.schedules(call.session, call.now)
    return [
        each for each in found if may(call.identity, "view", None if isinstance(each, Unreadable) else each.set.app)
    ]


def get_schedule(call: Call, name: str) -> ScheduleView:
    """One schedule: what it means, its next runs, and what became of the last ones."""
    found = views.schedule(call.session, name, call.now)
    call.require("view", found.set.app)
    return found


def set_schedule(call: Call, name: str, body: ScheduleGiven) -> ScheduleView:
    """Make a schedule, or change what is given of it."""
    given = body.model_dump(exclude_none=True)
    for each in ("copy_to", "blackouts"):
        if each in given:
            given[each] = tuple(given[each]) or ("",)
    return actions.put(call.session, name, **given)


def pause_schedule(call: Call, name: str) -> ScheduleView:
    """Let nothing be due from now on."""
    return actions.pause(call.session, name)


def resume_schedule(call: Call, name: str) -> ScheduleView:
    """Let a schedule go on that was paused."""
    return actions.resume(call.session, name)


def run_schedule(call: Call, name: str, body: RunNow | None = None) -> Asked:
    """Ask for what the schedule asks for, at once."""
    call.require("take", views.stored(call.session, name).app)
    return asked(actions.run_now(call.session, name, id=body.id if body else None))


def forget_schedule(call: Call, name: str) -> None:
    """Take a schedule away. Its backups stay."""
    actions.forget(call.session, name)


def list_retention(call: Call) -> list[RulesView]:
    """For how long backups are kept: the rules of each scope."""
    return rules(call.session)


def set_retention(call: Call, scope: str, body: Rules) -> RulesView:
    """Keep these rules of a scope: `instance`, `app/SLUG`, `schedule/NAME`, `safety-snapshots`."""
    return retention_actions.put(call.session, _scope(scope), body)


def forget_retention(call: Call, scope: str) -> None:
    """Take the rules of a scope away. Backups keep the length of time that they have."""
    retention_actions.forget(call.session, _scope(scope))


def preview_retention(call: Call, body: ToPreview | None = None) -> list[Previewed]:
    """What would go now, and why each that stays stays: by the rules that there are, or by others, on trial."""
    body = body or ToPreview()
    tried = {_scope(scope): each for scope, each in body.rules.items()}
    return preview(call.session, tried, destination=body.destination)


def _scope(text: str) -> str:
    """Raises Invalid for what is no scope."""
    kind, parted, name = text.partition("/")
    if kind in ("app", "schedule") and parted and name:
        return text
    if text in ("instance", "safety-snapshots"):
        return text
    raise Invalid(f"{text!r:.80} is no scope of rules; there are instance, app/SLUG, schedule/NAME, safety-snapshots")
