"""The audit trail: what somebody has done through the console or the HTTP API, as an event of the log."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schemas.events.base import Event, Name, printable

Act = Literal[
    "sign-in",
    "sign-out",
    "take",
    "restore",
    "delete",
    "cancel",
    "configure",
    "reveal",
    "download",
    "dead-letters",
    "administer",
]
"""What was done: signing in and out, or by which permission it is allowed."""
Acted = Literal["done", "refused", "failed"]
Said = Annotated[str, Field(max_length=500), AfterValidator(printable)]


class AuditRecorded(Event):
    """`who` has done `act` on `on`, from `address`; or it was `refused`, or `failed`. `role` is empty where it is not
    known who that was. `record` is drawn: the same act twice is on record twice. Never has a secret."""

    type: ClassVar[str] = "audit.recorded.v1"
    identity: ClassVar[tuple[str, ...]] = ("record",)

    record: Name
    who: Name
    role: Said = ""
    act: Act
    on: Said = ""
    address: Said = ""
    outcome: Acted = "done"
