"""Puts into the event log who has done what. Never stops what was done: that has happened by then."""

import secrets
from datetime import UTC, datetime

import structlog

from producers.access.identity import Identity
from producers.session import Session
from schemas import events as e
from schemas.errors import SnaplineError

UNKNOWN = "(unknown)"
"""In place of a name that nobody has: somebody may have typed a password there."""
MOST = 500
"""Characters."""

log = structlog.get_logger("audit")


def record(
    session: Session,
    identity: Identity | None,
    act: e.Act,
    on: str = "",
    *,
    address: str = "",
    outcome: e.Acted = "done",
) -> e.AuditRecorded:
    """Tells the event log, and this process's own log, that somebody has done `act` on `on` (such as `backup shop-x` or
    `destination nas`; never a secret), from the network address `address`. None is somebody who has not signed in. An
    event log that is away is told of in the log."""
    told = _act(identity, act, on, address, outcome)
    log.info("acted", **told.model_dump(exclude={"record"}))
    try:
        _publish(session, told)
    except SnaplineError as error:
        log.error("the event log does not have this act", record=told.record, act=act, reason=error.with_place)
    return told


def of_command(session: Session, who: str, act: e.Act, on: str) -> None:
    """As `record`, for what `who` has done on the command line, where nobody signs in. Raises as the bus."""
    _publish(session, _act(Identity(who, "cluster-admin"), act, on, "", "done"))


def _act(identity: Identity | None, act: e.Act, on: str, address: str, outcome: e.Acted) -> e.AuditRecorded:
    return e.AuditRecorded(
        record=secrets.token_hex(16),
        who=plain(identity.name if identity else UNKNOWN)[:253],
        role=identity.role if identity else "",
        act=act,
        on=plain(on) if on else "",
        address=plain(address) if address else "",
        outcome=outcome,
    )


def _publish(session: Session, told: e.AuditRecorded) -> None:
    session.bus.publish(e.wrap(told, source=session.source, time=datetime.now(UTC)))


def plain(text: str) -> str:
    """The text on one line, without what does not print, and not too long."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:MOST]) or "-"
