"""Licenses that are about to expire. One that is not valid at all is a matter of the license gate, which says so."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from schemas import events as e
from schemas.application import Application
from schemas.events import Severity
from schemas.license.verdict import LicenseInvalid, verify
from workers.alarms.occurrences import FILLED_IN, NEVER, Found

LICENSE = "license."
DAYS: tuple[tuple[int, Severity], ...] = ((0, "error"), (1, "error"), (7, "warning"), (30, "info"))
"""So many days before it expires it is told, once each, and how bad that is."""


def expiring(apps: Iterable[Application], trusted: Mapping[str, bytes], now: datetime) -> Iterator[Found]:
    """Those of `apps` whose licenses end within a month, or have."""
    for app in apps:
        ends = _end(app, trusted)
        near = next(((days, bad) for days, bad in DAYS if ends and ends - now <= timedelta(days=days)), None)
        if ends is None or near is None:
            continue
        days, severity = near
        event = e.LicenseExpiring(app=app.slug, expires_at=ends, days=days, severity=severity, since=FILLED_IN)
        yield Found(LICENSE + app.slug, app.slug, event, since=ends - timedelta(days=days), again=NEVER)


def _end(app: Application, trusted: Mapping[str, bytes]) -> datetime | None:
    try:
        return verify(app.license, trusted).expires_at if app.license else None
    except LicenseInvalid:
        return None
