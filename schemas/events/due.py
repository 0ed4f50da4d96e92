"""The due time that a scheduled request is for."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from schemas.events.base import printable

Missed = Literal["once", "skip"]
"""What becomes of a scheduled run that nobody asked for in time: it is made up for once, or not at all."""


class Due(BaseModel):
    """The run of a schedule that is due `at` and begins at `starts`: later by its jitter, or by the `blackout` window
    that it would be in. `previous` is the due time before it, None for the first."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    at: AwareDatetime
    starts: AwareDatetime
    previous: AwareDatetime | None = None
    blackout: Annotated[str, Field(max_length=200), AfterValidator(printable)] | None = None
    missed: Missed = "once"
