"""How schedules are kept: as ConfigMaps in the console's namespace, labelled `snapline.dev/schedule=<name>`."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from schemas.errors import Code, Invalid
from schemas.events import explain
from schemas.schedule.model import Schedule

LABEL = "snapline.dev/schedule"
NAME_PREFIX = "snapline-schedule-"
_LISTS = ("copy_to", "blackouts")
"""Fields with several values, each on a line of its own."""


def to_config_map(schedule: Schedule, console_namespace: str) -> dict[str, Any]:
    """The ConfigMap that keeps it."""
    said = schedule.model_dump(mode="json", exclude={"name"}, exclude_defaults=True, exclude_none=True)
    lists = {key: "\n".join(said[key]) for key in _LISTS if key in said}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME_PREFIX + schedule.name,
            "namespace": console_namespace,
            "labels": {LABEL: schedule.name, "kots.io/kotsadm": "true", "kots.io/backup": "velero"},
        },
        "data": {
            **said,
            **lists,
            **({"paused": "true"} if schedule.paused else {}),
            "since": schedule.since.isoformat(),
        },
    }


def from_config_map(obj: Mapping[str, Any]) -> Schedule:
    """The schedule that a ConfigMap keeps. Raises Invalid."""
    data = dict(obj.get("data") or {})
    name = ((obj.get("metadata") or {}).get("labels") or {}).get(LABEL, "")
    if "expression" not in data:
        raise Invalid(f"the ConfigMap of schedule {name!r:.80} has no data.expression", code=Code.SCHEDULE_INVALID)
    lists = {key: tuple(data[key].splitlines()) for key in _LISTS if isinstance(data.get(key), str)}
    try:
        return Schedule.model_validate({**data, **lists, "name": name})
    except ValidationError as error:
        raise Invalid(f"the ConfigMap of schedule {name!r:.80} is wrong: {explain(error)}") from error
