"""The licenses of applications as people see them: what is signed, and whether that can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import application as schemas
from schemas import license
from schemas.application import Application
from schemas.errors import Invalid
from schemas.kubernetes import SECRETS
from schemas.license.verdict import Verdict, VerifiedLicense
from schemas.messages import told

Standing = Literal["valid", "expiring", "refused", "unknown"]
SOON = timedelta(days=30)


@dataclass(frozen=True)
class LicenseView:
    """The license of one application. `verdict` says whether it allows snapshots; None where there are no keys to
    judge it by. What is `signed` is None where its signature does not hold, or nobody can tell: then nothing that it
    says is shown. Neither its id nor its signature is in here."""

    slug: str
    name: str
    version: str
    standing: Standing
    verdict: Verdict | None
    signed: VerifiedLicense | None = None

    @property
    def allows(self) -> bool | None:
        """Whether *Allow Snapshots* is on; None where that cannot be believed."""
        return self.signed.spec.is_snapshot_supported if self.signed else None

    @property
    def expires_at(self) -> datetime | None:
        """UTC; None for never, or where that cannot be believed."""
        return self.signed.expires_at if self.signed else None


def licenses(session: Session, now: datetime) -> list[LicenseView | Unreadable]:
    """Of all registered applications: those that need a look first, then by name; and the registrations that cannot be
    read. Raises Invalid for keys that are none, and as the cluster."""
    trusted = session.trusted_keys()
    found: list[LicenseView | Unreadable] = []
    for secret in session.cluster.list(SECRETS, session.settings.console_namespace, schemas.LABEL):
        try:
            found.append(view(schemas.from_secret(secret), trusted, now))
        except Invalid as error:
            found.append(Unreadable(secret["metadata"]["name"], told(error)))
    return sorted(found, key=_rank)


def view(app: Application, trusted: Mapping[str, bytes] | None, now: datetime) -> LicenseView:
    """Of one application, judged by the trusted keys."""
    if trusted is None:
        return LicenseView(app.slug, app.name, app.version, "unknown", None)
    verdict = license.verdict(app.license, trusted, now, app.slug)
    signed = _signed(app.license, trusted)
    return LicenseView(app.slug, app.name, app.version, _standing(verdict, signed, now), verdict, signed)


def _signed(text: str | None, trusted: Mapping[str, bytes]) -> VerifiedLicense | None:
    try:
        return license.verify(text, trusted) if text and text.strip() else None
    except license.LicenseInvalid:
        return None


def _standing(verdict: Verdict, signed: VerifiedLicense | None, now: datetime) -> Standing:
    if not verdict.allowed:
        return "refused"
    ends = signed.expires_at if signed else None
    return "expiring" if ends is not None and ends - now <= SOON else "valid"


def _rank(found: LicenseView | Unreadable) -> tuple[int, str, str]:
    if isinstance(found, Unreadable):
        return 0, found.name, ""
    order: tuple[Standing, ...] = ("refused", "unknown", "expiring", "valid")
    return 1 + order.index(found.standing), found.name.casefold(), found.slug
