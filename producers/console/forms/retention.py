"""The form of a retention policy: KOTS' number and unit, and the rules that keep more."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from producers.actions import retention as actions
from schemas import ttl as ttls
from schemas.errors import Invalid
from schemas.retention import PERIODS, Rules

UNITS: Mapping[str, str] = {"days": "Days", "weeks": "Weeks", "months": "Months", "years": "Years"}
"""What KOTS offers."""
USUAL: Mapping[str, str] = {"value": "4", "unit": "weeks", "time_zone": "UTC"}
"""What KOTS' form begins with where nothing is set."""
COUNTS = ("keep_last", *(f"keep_{period}" for period in PERIODS))


def _number(text: Any) -> Any:
    return 0 if text == "" else text


Count = Annotated[int, BeforeValidator(_number), Field(ge=-1, le=100_000)]
"""How many; nothing is none, -1 is all."""


class RetentionForm(BaseModel):
    """As it is typed. Without a number, snapshots have no end of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=200)

    value: Annotated[int, BeforeValidator(_number), Field(ge=0, le=100_000)] = 0
    unit: str = "weeks"
    keep_last: Count = 0
    keep_hourly: Count = 0
    keep_daily: Count = 0
    keep_weekly: Count = 0
    keep_monthly: Count = 0
    keep_yearly: Count = 0
    keep_within: str = ""
    min_age: str = ""
    time_zone: str = "UTC"

    @field_validator("unit")
    @classmethod
    def _unit_is_one(cls, unit: str) -> str:
        if unit not in ttls.SECONDS:
            raise ValueError("this is no unit of time")
        return unit

    @field_validator("keep_within", "min_age")
    @classmethod
    def _length_is_one(cls, length: str) -> str:
        try:
            return ttls.written(length) if length else ""
        except Invalid as error:
            raise ValueError(str(error)) from None

    def rules(self) -> Rules:
        """What it means. Raises Invalid, also for nothing at all."""
        counts = {name: getattr(self, name) or None for name in COUNTS}
        return actions.rules(
            ttl=ttls.stored(self.value, self.unit) if self.value else None,
            keep_within=self.keep_within or None,
            min_age=self.min_age or None,
            time_zone=self.time_zone if self.time_zone not in ("", "UTC") else None,
            **counts,
        )


def shown(rules: Rules) -> dict[str, str]:
    """What the form shows of rules."""
    value, unit = ttls.quantity_and_unit(rules.ttl) if rules.ttl else ("", "weeks")
    counts = {name: getattr(rules, name) for name in COUNTS}
    return {
        "value": str(value),
        "unit": unit,
        **{name: str(number) if number else "" for name, number in counts.items()},
        "keep_within": ttls.in_words(rules.keep_within) if rules.keep_within else "",
        "min_age": ttls.in_words(rules.min_age) if rules.min_age else "",
        "time_zone": rules.time_zone,
    }
