"""Schedules: when to ask for what, how such a wish is kept, and when it is due."""

from schemas.schedule.expression import EPOCH, MACROS, last_due, next_due
from schemas.schedule.model import Does, Missed, Schedule, request_id
from schemas.schedule.stored import LABEL, NAME_PREFIX, from_config_map, to_config_map

__all__ = [
    "EPOCH",
    "LABEL",
    "MACROS",
    "NAME_PREFIX",
    "Does",
    "Missed",
    "Schedule",
    "from_config_map",
    "last_due",
    "next_due",
    "request_id",
    "to_config_map",
]
