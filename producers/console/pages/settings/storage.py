"""The card of storage destinations: what is typed is tried, line by line, before it replaces what is stored."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr, ValidationError
from starlette.datastructures import FormData, UploadFile

from producers.access.identity import Identity
from producers.actions import destinations as actions
from producers.actions import internal_storage as internal
from producers.console.forms import storage as forms
from producers.console.forms.storage import KINDS, InternalStorage, StorageForm
from producers.console.forms.typed import WHOLE, Typed, faults
from producers.console.needs import Needs
from producers.console.pages.settings.desk import Desk
from producers.console.routing import MOST_FILE, text
from producers.session import Session
from producers.views.settings.certificates import as_pem
from producers.views.settings.last_checks import Checked
from schemas.destination import Destination, is_name
from schemas.errors import NotFound, SnaplineError

FIRST = "default"
"""What the first destination is called, if nothing else is said."""
PRIVATE = "PRIVATE KEY"
"""In what is pasted by mistake: it is refused, and not shown again."""
NAME_NEEDED = "a destination's name has up to 63 lower-case letters, digits and inner hyphens"


@dataclass(frozen=True)
class Attempt:
    """What somebody has sent, of a destination that is there or one that `is_new`. `form` is None where it cannot be
    read; `token` is of the secrets that were typed with it, which are `held`; `destination` is what it would be, and
    `checked` what came of trying it."""

    name: str
    typed: Typed
    is_new: bool = False
    form: StorageForm | None = None
    token: str = ""
    held: Collection[str] = ()
    destination: Destination | None = None
    checked: Checked | None = None

    @property
    def wrong(self) -> bool:
        """Whether it cannot be stored."""
        return bool(self.typed.faults) or (self.checked is not None and not self.checked.ok)

    def with_faults(self, found: Mapping[str, str]) -> "Attempt":
        """With more that is wrong about it."""
        return replace(self, typed=Typed(self.typed.values, {**found, **self.typed.faults}))


def read(desk: Desk, who: Identity, given: FormData) -> Attempt:
    """What was typed into the form, with the secrets that were typed before."""
    kind, name = text(given, "kind"), text(given, "name")
    if kind not in KINDS:
        return Attempt(name, Typed({}, {WHOLE: "Choose what kind of destination it is."}))
    model = KINDS[kind]
    before = desk.held.find(who.name, text(given, "held"))
    known = {field: SecretStr(raw(given, field) or _plain(before, field)) for field in forms.secret_fields(model)}
    fields = {key: text(given, key) for key in given if key not in forms.SECRET_FIELDS}
    values = {key: value for key, value in fields.items() if key not in ("csrf", "held") and PRIVATE not in value}
    desk.held.forget(text(given, "held"))
    held = [field for field, value in known.items() if value.get_secret_value()]
    attempt = Attempt(
        name,
        Typed({**values, "kind": kind}),
        is_new=bool(given.get("new")),
        token=desk.held.keep(who.name, known),
        held=held,
    )
    if not is_name(name):
        return attempt.with_faults({"name": NAME_NEEDED})
    return _understood(attempt, model, {**fields, **known, **_certificate(given)})


def _plain(known: Mapping[str, SecretStr], field: str) -> str:
    return known[field].get_secret_value() if field in known else ""


def _understood(attempt: Attempt, model: type[StorageForm], fields: Mapping[str, object]) -> Attempt:
    try:
        known = {key: value for key, value in fields.items() if key in model.model_fields}
        return replace(attempt, form=model.model_validate(known))
    except ValidationError as error:
        return attempt.with_faults(faults(error))


def _certificate(given: FormData) -> dict[str, str]:
    """The authority's certificate: of a file before what is pasted; nothing if it is to be taken away."""
    if given.get("ca_remove"):
        return {"ca_certificate": ""}
    file = given.get("ca_file")
    if isinstance(file, UploadFile) and (body := file.file.read(MOST_FILE)):
        try:
            return {"ca_certificate": as_pem(body)}
        except ValueError:
            return {"ca_certificate": "no certificate"}  # which the destination refuses, and says so beside the field
    return {}


def raw(given: FormData, name: str) -> str:
    """A field as it was typed: blanks are part of a passphrase."""
    found = given.get(name, "")
    return found if isinstance(found, str) else ""


def planned(session: Session, attempt: Attempt) -> Attempt:
    """With the destination that it would be, or with what is wrong. Raises as the cluster."""
    form = attempt.form
    if form is None:
        return attempt
    try:
        stored = _stored(session, attempt.name)
        made = actions.changed(session, _change(session, form, attempt.name, stored))
    except SnaplineError as error:
        return attempt.with_faults(faults(error, forms.names_of(type(form))))
    attempt = replace(attempt, destination=made)
    return attempt.with_faults(_lacking(form, made))


def _change(session: Session, form: StorageForm, name: str, stored: Destination | None) -> actions.Change:
    elsewhere = stored.references if stored else {}
    change = form.change(name, elsewhere)
    if not isinstance(form, InternalStorage):
        return change
    found = internal.found(session, name)
    return replace(change, given={**found.fields, **change.given}, references=found.references)


def _lacking(form: StorageForm, made: Destination) -> dict[str, str]:
    """What is needed besides, by field."""
    needed = {"passphrase": "this is needed: nothing can be restored without it"}
    role = getattr(form, "use_instance_role", False)
    if isinstance(form, forms.AmazonS3 | forms.OtherS3) and not role:
        needed |= dict.fromkeys(("access_key_id", "secret_access_key"), "this is needed")
    if isinstance(form, forms.GoogleStorage) and not role:
        needed["service_account_json"] = "this is needed, or the role of the machines"
    return {field: why for field, why in needed.items() if not forms.has(made, field)}


def tried(needs: Needs, desk: Desk, attempt: Attempt) -> Attempt:
    """With what came of trying it; that stays on record. Nothing is tried of what cannot be stored."""
    made = attempt.destination
    if made is None or attempt.wrong:
        return attempt
    checks = list(actions.try_out(needs.session, made))
    checked = Checked(needs.now(), made.place, checks)
    desk.checks.keep(made.name, checked)
    return replace(attempt, checked=checked)


def _stored(session: Session, name: str) -> Destination | None:
    try:
        return actions.described(session, name)
    except NotFound:
        return None
    except SnaplineError:
        return None  # one that cannot be read is replaced
