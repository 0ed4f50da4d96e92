"""The schedules: what they say, when they are due next, and what became of their last runs."""

from producers.views.schedules.listing import ScheduleView, read, schedule, schedules, stored, view
from producers.views.schedules.next_runs import NextRun, next_runs
from producers.views.schedules.past_runs import PastRun, past_runs
from producers.views.schedules.sentences import sentence

__all__ = [
    "NextRun",
    "PastRun",
    "ScheduleView",
    "next_runs",
    "past_runs",
    "read",
    "schedule",
    "schedules",
    "sentence",
    "stored",
    "view",
]
