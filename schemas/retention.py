"""Retention: what says that a backup stays. A backup goes when nothing says so any more.

The rules of a scope are kept as a ConfigMap in the console's namespace, labelled `snapline.dev/retention`. Scopes are
`instance` (full backups), `app/<slug>` (an application's own), `schedule/<name>` (those of a schedule that has rules
of its own) and `safety-snapshots`. Without rules, only what has a `ttl` ever goes.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas import ttl as ttls
from schemas.errors import Code, Invalid
from schemas.events import explain
from schemas.ttl import Ttl

LABEL = "snapline.dev/retention"
NAME_PREFIX = "snapline-retention-"
INSTANCE, SAFETY_SNAPSHOTS = "instance", "safety-snapshots"
PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")
ALL = -1
"""As a number of backups: however many there are."""
Number = Annotated[int, Field(ge=ALL, le=100_000)]


class Rules(BaseModel):
    """What says that a backup stays, of one scope. The numbers are as with restic's `forget`: the newest of each of the
    last so many hours, days, ISO weeks, months and years that have one; 0 is no rule, -1 all of them.

    `keep_within` is a length of time before the newest of the scope. What is younger than `min_age` stays in any case.
    `ttl` is for how long new backups are kept that are asked for without one. Calendars are those of `time_zone`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttl: Ttl | None = None
    keep_last: Number = 0
    keep_hourly: Number = 0
    keep_daily: Number = 0
    keep_weekly: Number = 0
    keep_monthly: Number = 0
    keep_yearly: Number = 0
    keep_within: Ttl | None = None
    min_age: Ttl | None = None
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _time_zone_is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"there is no time zone {name!r:.80}; write one such as Europe/Berlin") from error
        return name

    @property
    def keeps(self) -> bool:
        """Whether there is a rule that keeps backups, so that those go which none keeps."""
        counts = (self.keep_last, self.keep_hourly, self.keep_daily, self.keep_weekly, self.keep_monthly)
        return any(counts) or bool(self.keep_yearly) or self.keep_within is not None

    @property
    def in_words(self) -> tuple[str, ...]:
        """What they keep, each rule in a few words."""
        numbers = {name: getattr(self, f"keep_{name}") for name in ("last", *PERIODS)}
        said = [f"{name} {'all' if number == ALL else number}" for name, number in numbers.items() if number]
        said += [f"within {ttls.in_words(self.keep_within)}"] if self.keep_within else []
        said += [f"younger than {ttls.in_words(self.min_age)}"] if self.min_age else []
        return (*said, *([self.time_zone] if self.time_zone != "UTC" else []))


PRESETS: Mapping[str, Rules] = MappingProxyType(
    {
        "month": Rules(ttl="720h"),
        "ladder": Rules(keep_last=3, keep_daily=7, keep_weekly=5, keep_monthly=12, min_age="24h"),
    }
)
"""Rules by a word: what KOTS does unless it is told otherwise; and dense where it is new, sparse where it is old."""


def scope_of(app: str | None = None, schedule: str | None = None) -> str:
    """The scope of the backups of an application, or of a schedule; that of full backups for neither."""
    if schedule is not None:
        return f"schedule/{schedule}"
    return f"app/{app}" if app is not None else INSTANCE


def config_map_name(scope: str) -> str:
    """The ConfigMap of a scope. Names that Kubernetes would not take are hashed; the data has the scope itself."""
    return NAME_PREFIX + hashlib.sha256(scope.encode(errors="surrogatepass")).hexdigest()[:16]


def to_config_map(scope: str, rules: Rules, console_namespace: str) -> dict[str, Any]:
    """The ConfigMap that keeps the rules of a scope."""
    name = config_map_name(scope)
    given = rules.model_dump(exclude_defaults=True)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": console_namespace,
            "labels": {LABEL: name.removeprefix(NAME_PREFIX), "kots.io/kotsadm": "true", "kots.io/backup": "velero"},
        },
        "data": {"scope": scope, **{key: str(value) for key, value in given.items()}},
    }


def scope_in(obj: Mapping[str, Any]) -> str:
    """The scope that a ConfigMap is about; "" where it does not say."""
    return str((obj.get("data") or {}).get("scope", ""))


def from_config_map(obj: Mapping[str, Any]) -> Rules:
    """The rules that a ConfigMap keeps. Raises Invalid."""
    data = {key: value for key, value in (obj.get("data") or {}).items() if key != "scope"}
    try:
        return Rules.model_validate(data)
    except ValidationError as error:
        text = f"the retention of {scope_in(obj) or 'nothing'!r:.80} is wrong: {explain(error)}"
        raise Invalid(text, code=Code.RETENTION_INVALID, subject=scope_in(obj)) from error
