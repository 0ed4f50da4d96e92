"""Schedules: when to ask for what, how such a wish is kept, and when it is due."""

from schemas.schedule.expression import EPOCH, MACROS, PRESETS, split_zone, zone
from schemas.schedule.model import Does, Missed, Schedule
from schemas.schedule.moments import last_due, next_due
from schemas.schedule.stored import LABEL, NAME_PREFIX, from_config_map, to_config_map
from schemas.schedule.timing import coming, due, latest, request_id, starts

__all__ = [
    "EPOCH",
    "LABEL",
    "MACROS",
    "NAME_PREFIX",
    "PRESETS",
    "Does",
    "Missed",
    "Schedule",
    "coming",
    "due",
    "from_config_map",
    "last_due",
    "latest",
    "next_due",
    "request_id",
    "split_zone",
    "starts",
    "to_config_map",
    "zone",
]
