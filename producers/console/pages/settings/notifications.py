"""The card of notifications: whom to tell, of what, and what they have answered to a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError
from starlette.datastructures import FormData

from producers.access.identity import Identity, may
from producers.console.forms import notification as forms
from producers.console.forms.notification import NotificationForm
from producers.console.forms.typed import WHOLE, Typed, faults
from producers.console.needs import Needs
from producers.console.pages.settings.desk import Desk
from producers.views.notifying.targets import TargetView, targets
from producers.views.unreadable import Unreadable
from schemas.errors import SnaplineError
from workers.ports import Answer

USUAL: Mapping[str, str] = {"kind": "webhook", "events": "*", "severity": "warning"}
"""What the form for a new target begins with."""


@dataclass(frozen=True)
class SentTarget:
    """What somebody has typed about a target. `form` is what it means, if nothing is wrong with it."""

    typed: Typed
    is_new: bool
    form: NotificationForm | None = None

    def with_fault(self, error: SnaplineError) -> "SentTarget":
        """With why it could not be stored."""
        return replace(self, typed=Typed(self.typed.values, {WHOLE: str(error)}))


@dataclass(frozen=True)
class NotificationsCard:
    """`listed` are all targets, each with what it answered to the last test. The form is about `chosen`, or a new one,
    and is open only if somebody has asked for it."""

    listed: Sequence[tuple[TargetView | Unreadable, Answer | None]]
    chosen: str
    typed: Typed
    is_new: bool
    is_open: bool
    may_change: bool

    @property
    def kinds(self) -> Mapping[forms.Kind, str]:
        """What the form offers."""
        return forms.KINDS


def read(given: FormData) -> SentTarget:
    """What was typed."""
    typed = {key: value.strip() for key, value in given.items() if isinstance(value, str) and key != "csrf"}
    shown = Typed({key: value for key, value in typed.items() if key not in forms.SECRET_FIELDS})
    sent = SentTarget(shown, is_new=bool(typed.get("new")))
    try:
        return replace(sent, form=NotificationForm.model_validate(typed))
    except ValidationError as error:
        return replace(sent, typed=Typed(shown.values, faults(error)))


def notifications_card(
    needs: Needs, desk: Desk, who: Identity, asked: str | None, sent: SentTarget | None = None
) -> NotificationsCard:
    """With what somebody has sent, if that was not stored. `asked` names the target that the form is about, "" a new
    one. Raises as the cluster."""
    found = targets(needs.session)
    known = {each.name: each for each in found if isinstance(each, TargetView) and not each.from_environment}
    name = sent.typed.value("name") if sent else asked or ""
    is_new = sent.is_new if sent else name not in known
    typed = sent.typed if sent else Typed(USUAL if is_new else forms.shown(known[name]))
    return NotificationsCard(
        listed=[(each, desk.answers.find(each.name)) for each in found],
        chosen="" if is_new else name,
        typed=typed,
        is_new=is_new,
        is_open=sent is not None or asked is not None,
        may_change=may(who, "configure"),
    )
