"""The card of the retention policy: what it says, and what it would delete now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams

from producers.access.identity import Identity, may
from producers.console.forms import retention as forms
from producers.console.forms.retention import RetentionForm
from producers.console.forms.typed import WHOLE, Typed, faults
from producers.console.needs import Needs
from producers.console.pages.settings.schedule import Chosen
from producers.session import Session
from producers.views import schedules
from producers.views.retention import RulesView, rules
from producers.views.settings.retention_preview import RetentionPreview, previewed
from schemas.errors import Invalid, SnaplineError
from schemas.retention import INSTANCE, SAFETY_SNAPSHOTS, Rules, scope_of


@dataclass(frozen=True)
class SentPolicy:
    """What somebody has typed about a scope. `rules` is what it means, if nothing is wrong with it."""

    scope: str
    typed: Typed
    rules: Rules | None = None
    seen: str = ""
    unseen: bool = False
    """Whether it would delete what its sender has not been shown."""

    def with_fault(self, error: SnaplineError) -> "SentPolicy":
        """With why it could not be stored."""
        return replace(self, typed=Typed(self.typed.values, {WHOLE: str(error)}))


@dataclass(frozen=True)
class RetentionCard:
    """Of one `scope`, which is called `of` for people. `stored` is what is set; `listed` are all that may be seen."""

    scope: str
    of: str
    typed: Typed
    stored: RulesView | None
    preview: RetentionPreview | None
    listed: Sequence[tuple[RulesView, str]]
    may_change: bool
    unseen: bool = False

    @property
    def units(self) -> dict[str, str]:
        """What the form offers, and what is set."""
        unit = self.typed.value("unit")
        return {**forms.UNITS, **({} if unit in forms.UNITS else {unit: unit.capitalize()})}


def scope_asked(query: QueryParams, chosen: Chosen | None) -> str:
    """`?scope=`, else that of the schedule that is shown."""
    if query.get("scope"):
        return query["scope"]
    if chosen is None or chosen.tab == "full":
        return INSTANCE
    return scope_of(chosen.app) if chosen.tab == "partial" and chosen.app else INSTANCE


def app_of(session: Session, scope: str) -> str | None:
    """Whose snapshots a scope has; None for those of everything, and where nobody can tell. Raises Invalid for what is
    no scope."""
    kind, _, name = scope.partition("/")
    if kind == "app" and name:
        return name
    if kind == "schedule" and name:
        try:
            return schedules.stored(session, name).app
        except SnaplineError:
            return None
    if scope not in (INSTANCE, SAFETY_SNAPSHOTS):
        raise Invalid(f"there are no snapshots of {scope!r:.80}")
    return None


def called(scope: str) -> str:
    """A scope for people."""
    kind, _, name = scope.partition("/")
    if scope == SAFETY_SNAPSHOTS:
        return "safety snapshots"
    return {"app": f"snapshots of {name}", "schedule": f"snapshots of schedule {name}"}.get(kind, "full snapshots")


def read(given: FormData | QueryParams) -> SentPolicy:
    """What was typed."""
    values = {
        key: value.strip() for key, value in given.items() if isinstance(value, str) and key not in ("csrf", "seen")
    }
    seen = given.get("seen")
    sent = SentPolicy(values.get("scope", ""), Typed(values), seen=seen if isinstance(seen, str) else "")
    try:
        return replace(sent, rules=RetentionForm.model_validate(values).rules())
    except ValidationError as error:
        return replace(sent, typed=Typed(values, faults(error)))
    except Invalid as error:
        return replace(sent, typed=Typed(values, faults(error, {name: name for name in RetentionForm.model_fields})))


def retention_card(needs: Needs, who: Identity, scope: str, sent: SentPolicy | None = None) -> RetentionCard:
    """With what somebody has sent, if that was not stored. Raises Invalid for what is no scope, Denied, and as the
    cluster."""
    session = needs.session
    scope = sent.scope if sent else scope
    app = app_of(session, scope)
    listed = [(each, called(each.scope)) for each in rules(session) if _visible(session, who, each.scope)]
    stored = next((each for each, _ in listed if each.scope == scope), None)
    typed = sent.typed if sent else Typed(forms.shown(stored.rules) if stored and stored.rules else forms.USUAL)
    wanted = sent.rules if sent else RetentionForm.model_validate(dict(typed.values)).rules()
    return RetentionCard(
        scope=scope,
        of=called(scope),
        typed=typed,
        stored=stored,
        preview=previewed(session, scope, wanted, needs.now()) if wanted and may(who, "view", app) else None,
        listed=listed,
        may_change=may(who, "configure", app),
        unseen=bool(sent and sent.unseen),
    )


def _visible(session: Session, who: Identity, scope: str) -> bool:
    try:
        return may(who, "view", app_of(session, scope))
    except Invalid:
        return may(who, "view")
