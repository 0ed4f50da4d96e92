"""Each word for a state: its tone, and the icon whose outline tells it without colour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["idle", "run", "ok", "warn", "bad"]


@dataclass(frozen=True)
class Look:
    """`icon` names a symbol of the sprite; one that `spins` is at work."""

    tone: Tone
    icon: str
    spins: bool = False


STATES: Mapping[str, Look] = {
    "New": Look("idle", "wait"),
    "Queued": Look("idle", "wait"),
    "Preparing snapshot": Look("run", "run", spins=True),
    "Preparing for snapshot deletion": Look("idle", "trash"),
    "In Progress": Look("run", "run", spins=True),
    "Completed": Look("ok", "ok"),
    "Complete": Look("ok", "ok"),
    "Incomplete (Failed)": Look("warn", "warn"),
    "Failed": Look("bad", "bad"),
    "Failed Validation": Look("bad", "bad"),
    "Cancelled": Look("idle", "stop"),
    "Cancelling": Look("run", "stop"),
    "Unreadable": Look("bad", "bad"),
    "Rejected": Look("bad", "no"),
    "Deleting": Look("idle", "trash"),
    "Waiting": Look("idle", "none"),
    "Retrying": Look("warn", "late"),
    "Backed up": Look("ok", "ok"),
    "Overdue": Look("bad", "late"),
    "Never": Look("warn", "none"),
    "Not covered": Look("warn", "none"),
    "Missing": Look("idle", "none"),
    "Verified": Look("ok", "shield"),
    "Enabled": Look("ok", "ok"),
    "Disabled": Look("idle", "no"),
    "Warning": Look("warn", "warn"),
    "Error": Look("bad", "bad"),
    "Good": Look("ok", "ok"),
}


def look(word: str) -> Look:
    """How to show the state; one that is not known is shown without judgement."""
    return STATES.get(word, Look("idle", "info"))
