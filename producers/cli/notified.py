"""Targets of notifications, and deliveries, as rows. Scripts rely on the names of the fields."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from producers.cli.render import Row
from producers.views.unreadable import Unreadable

if TYPE_CHECKING:
    from producers.views.notifying.deliveries import DeliveryView
    from producers.views.notifying.targets import TargetView
    from workers.ports import Answer

TARGET_COLUMNS = ("name", "kind", "place", "events", "apps", "severity", "digest", "problem")
DELIVERY_COLUMNS = ("id", "last_at", "target", "type", "subject", "status", "attempts", "response", "reason")


def target(view: "TargetView | Unreadable") -> Row:
    """In a list; of one that cannot be read, what the problem is."""
    if isinstance(view, Unreadable):
        return {"name": view.name, "kind": "", "place": "", "problem": str(view.problem)}
    return asdict(view) | {"events": list(view.events), "apps": list(view.apps), "problem": ""}


def delivery(view: "DeliveryView") -> Row:
    """In a list."""
    times = {name: at.isoformat() if (at := getattr(view, name)) else None for name in ("first_at", "last_at")}
    return asdict(view) | times | {"reason": str(view.reason or "")}


def answer(name: str, said: "Answer") -> Row:
    """What became of a test."""
    status = "delivered" if said.status == "delivered" else "failed"
    return {"target": name, "status": status, "response": said.response, "reason": str(said.reason or "")}
