"""What the card of storage destinations shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from producers.actions import destinations as actions
from producers.actions import internal_storage as internal
from producers.console.forms import storage as forms
from producers.console.forms.typed import Typed
from producers.console.needs import Needs
from producers.console.pages.settings.desk import Desk
from producers.console.pages.settings.storage import FIRST, Attempt
from producers.session import Session
from producers.views.destinations import DestinationView, UnreadableDestination, destinations, is_given, mounting
from producers.views.destinations.mounting import MountStep
from producers.views.destinations.use import DestinationUse, jobs_in
from producers.views.settings.certificates import CertificateView, certificates
from producers.views.settings.last_checks import Checked
from schemas.destination import Destination, DirectoryDestination, NfsDestination, S3Destination, from_settings
from schemas.errors import NotFound, PermanentError, SnaplineError
from workers.adapters.stores.check import Check

NEW_VALUES: Mapping[str, str] = {"kind": "aws", "region": "us-east-1", "cloud_name": "AzurePublicCloud"}
"""What the form for a new destination begins with."""


@dataclass(frozen=True)
class StorageCard:
    """`listed` are all destinations, and the form is about the one called `name`, or a new one. `kept` are its secrets,
    each with where it is referred to, and `held` those that were typed and are not stored yet, found by `token`.
    `running` is what needs it now; `given` says that the environment has it, so that nothing can be changed here;
    `mounting` is what to do for one that is a directory. What was `checked` was typed, and is not stored, if it was
    `just_tried`."""

    listed: Sequence[DestinationView | UnreadableDestination]
    name: str
    is_new: bool
    typed: Typed
    problem: str = ""
    kept: Mapping[str, str] | None = None
    token: str = ""
    held: Collection[str] = ()
    given: bool = False
    running: DestinationUse | None = None
    checked: Checked | None = None
    authorities: Sequence[CertificateView] = ()
    mounting: Sequence[MountStep] = ()
    just_tried: bool = False
    default_is_given: bool = False

    @property
    def kinds(self) -> dict[str, str]:
        """What the form offers, by KOTS' names."""
        return {kind: model.label for kind, model in forms.KINDS.items()}

    @property
    def kind(self) -> str:
        """The one that is chosen."""
        return self.typed.value("kind") or "aws"

    @property
    def failed(self) -> Check | None:
        """The check that what was just tried has failed."""
        found = self.checked.checks if self.checked and self.just_tried else ()
        return next((each for each in found if not each.ok), None)

    def keeps(self, secret: str) -> bool:
        """Whether a secret stays if nothing is typed."""
        return secret in (self.kept or {})


def storage_card(
    needs: Needs, desk: Desk, name: str = "", *, adding: bool = False, attempt: Attempt | None = None
) -> StorageCard:
    """Of the destination of that name, else of the default one; with what somebody has typed, if that was not stored.
    Raises as the cluster."""
    session = needs.session
    listed = destinations(session)
    default = session.destinations.defaults()[0]
    given = from_settings(session.settings) is not None
    names = {each.name for each in listed}
    chosen = attempt.name if attempt else name or default
    if (attempt.is_new if attempt else adding) or chosen not in names:
        return _new(listed, given, chosen if attempt or not names else "", attempt)
    return _existing(needs, desk, listed, chosen, attempt)


def _new(
    listed: Sequence[DestinationView | UnreadableDestination],
    given: bool,
    name: str,
    attempt: Attempt | None,
) -> StorageCard:
    usual = {**NEW_VALUES, "name": name or ("" if listed else FIRST)}
    return StorageCard(
        listed,
        usual["name"],
        is_new=True,
        typed=attempt.typed if attempt else Typed(usual),
        token=attempt.token if attempt else "",
        held=attempt.held if attempt else (),
        checked=attempt.checked if attempt else None,
        just_tried=bool(attempt and attempt.checked),
        default_is_given=given,
    )


def _existing(
    needs: Needs,
    desk: Desk,
    listed: Sequence[DestinationView | UnreadableDestination],
    name: str,
    attempt: Attempt | None,
) -> StorageCard:
    session = needs.session
    given = is_given(session.settings, name)
    card = StorageCard(listed, name, is_new=False, typed=Typed({"kind": "aws"}), given=given)
    try:
        stored = actions.described(session, name)
    except PermanentError as error:
        typed = attempt.typed if attempt else Typed(NEW_VALUES)
        return StorageCard(listed, name, False, typed, problem=str(error), given=given)
    shown = Typed(forms.shown(stored, forms.kind_of(stored, internal=_is_internal(session, stored))))
    last = desk.checks.find(name)
    checked = attempt.checked if attempt and attempt.checked else last if last and last.place == stored.place else None
    pem = stored.ca_certificate if isinstance(stored, S3Destination) else ""
    return StorageCard(
        listed=listed,
        name=name,
        is_new=False,
        typed=attempt.typed if attempt else shown,
        kept=forms.secrets_of(stored),
        token=attempt.token if attempt else "",
        held=attempt.held if attempt else (),
        given=card.given,
        running=jobs_in(session, name),
        checked=checked,
        just_tried=bool(attempt and attempt.checked),
        authorities=certificates(pem),
        mounting=mounting.steps(stored) if isinstance(stored, NfsDestination | DirectoryDestination) else (),
        default_is_given=from_settings(session.settings) is not None,
    )


def _is_internal(session: Session, destination: Destination) -> bool:
    """Whether it is the server that came with Snapline."""
    if not isinstance(destination, S3Destination) or not destination.endpoint:
        return False
    try:
        fields = internal.found(session, destination.name).fields
    except (NotFound, SnaplineError):
        return False
    prefix = "/".join(part for part in str(fields.get("prefix", "")).split("/") if part)
    found = (str(fields["bucket"]), str(fields["endpoint"]), prefix)
    return found == (destination.bucket, destination.endpoint, destination.prefix)
