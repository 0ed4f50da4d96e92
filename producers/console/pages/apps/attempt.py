"""What somebody has sent to register an application, and what would be registered by it."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from pydantic import SecretStr, ValidationError
from starlette.datastructures import FormData, UploadFile

from producers.access.identity import Identity
from producers.actions import applications as actions
from producers.console.forms.held import HeldSecrets
from producers.console.forms.registration import RegistrationForm
from producers.console.forms.typed import Typed, faults
from producers.console.needs import Needs
from producers.console.routing import MOST_FILE, text
from producers.views.licenses.listing import Registered, registered
from schemas import license as licenses
from schemas.application import Application

FILES = ("license", "backup")
"""What comes as a file or is pasted. A license holds the customer's license id, and a Backup resource commands: neither
is in a page, but held here until it is stored."""
WHAT = {"license": "license", "backup": "Backup resource"}


@dataclass(frozen=True)
class Attempt:
    """What was sent. `form` is None where it cannot be stored; `token` is of the `files` that came with it. `forced`
    says that a useless license is taken all the same, `looked` that what is in the files has been seen. `preview` is
    what would be registered."""

    typed: Typed
    files: Mapping[str, str]
    token: str
    forced: bool
    looked: str
    form: RegistrationForm | None = None
    preview: Registered | None = None

    def with_faults(self, found: Mapping[str, str]) -> "Attempt":
        """With what is wrong about it."""
        return replace(self, typed=Typed(self.typed.values, {**found, **self.typed.faults}))

    @property
    def digest(self) -> str:
        """Of what is in the files, and of whom they are."""
        said = "\0".join([self.typed.value("slug"), *(self.files.get(name, "") for name in FILES)])
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def is_seen(self) -> bool:
        """Whether somebody has seen what is in the files; there is nothing to see without."""
        return not self.files or self.looked == self.digest


def read(held: HeldSecrets, who: Identity, given: FormData, needs: Needs, slug: str = "") -> Attempt:
    """What was typed, with the files that came before. `slug` is that of the application that is changed; a new one
    may leave it to its license."""
    before = held.find(who.name, text(given, "held"))
    held.forget(text(given, "held"))
    found, wrong = dict[str, str](), dict[str, str]()
    for name in FILES:
        try:
            said = _sent(given, name) or (before[name].get_secret_value() if name in before else "")
        except ValueError as error:
            wrong[name] = str(error)
        else:
            found |= {name: said} if said else {}
    values = {key: text(given, key) for key in ("slug", "name", "version", "sequence", "namespaces")}
    values["slug"] = slug or values["slug"] or _slug_of(found.get("license", ""), needs)
    token = held.keep(who.name, {name: SecretStr(value) for name, value in found.items()})
    attempt = Attempt(Typed(values, wrong), found, token, bool(given.get("force")), text(given, "looked"))
    try:
        return replace(attempt, form=RegistrationForm(**values, **found))
    except ValidationError as error:
        return attempt.with_faults(faults(error))


def foreseen(needs: Needs, attempt: Attempt, known: Application | None) -> Attempt:
    """With what would be registered, in place of what is `known`; or with what is wrong with it."""
    form = attempt.form
    if form is None:
        return attempt
    if known is None and not form.license:
        return attempt.with_faults({"license": "this is needed: snapshots are taken only if a license allows them"})
    given = {field: value for field, value in form.arguments().items() if value is not None}
    before = known.model_dump() if known else {"slug": form.slug}
    wanted = Application.model_validate({**before, **given})
    attempt = replace(attempt, preview=registered(wanted, needs.session.trusted_keys(), needs.now()))
    verdict = actions.license_says(needs.session, form.slug, form.license) if form.license else None
    if verdict is not None and verdict.code == "malformed":
        return attempt.with_faults({"license": verdict.reason})
    if verdict is not None and not verdict.allowed and not attempt.forced:
        return attempt.with_faults({"force": f"{verdict.reason} Snapshots of {form.slug} would be rejected."})
    return attempt


def _sent(given: FormData, name: str) -> str:
    """The text of a file before what is pasted. Raises ValueError for what is no text, or too long."""
    file = given.get(f"{name}_file")
    if not isinstance(file, UploadFile) or not (body := file.file.read(MOST_FILE + 1)):
        return text(given, f"{name}_yaml").replace("\r\n", "\n")
    if len(body) > MOST_FILE:
        raise ValueError(f"this file is longer than any {WHAT[name]}")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ValueError("this file is no text in UTF-8: give the YAML file of the vendor") from None


def _slug_of(text: str, needs: Needs) -> str:
    """Of which application a license is: as it was signed, else as it is written; "" for one that cannot be read."""
    with suppress(licenses.LicenseInvalid):
        return licenses.verify(text, needs.session.trusted_keys() or {}).spec.app_slug
    with suppress(licenses.LicenseInvalid):
        written = licenses.read_license(text).spec.get("appSlug", "")
        return written if isinstance(written, str) else ""
    return ""
