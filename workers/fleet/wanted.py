"""What is wanted of applications: how often they are backed up, how old that may be, until when they are licensed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice, pairwise

from schemas import application, objectives
from schemas import metrics as m
from schemas import schedule as schedules
from schemas.application import Application
from schemas.errors import Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from schemas.license.verdict import LicenseInvalid, verify
from schemas.metrics import Sample
from schemas.schedule import Schedule, coming
from workers.ports import Cluster

RUNS = 8
"""Coming runs whose distances are looked at: a week of a schedule that rests at weekends."""


def applications(cluster: Cluster, namespace: str) -> list[Application]:
    """Those that are registered and can be read."""
    found = []
    for secret in cluster.list(SECRETS, namespace, application.LABEL):
        with suppress(Invalid):
            found.append(application.from_secret(secret))
    return found


def of_schedules(cluster: Cluster, namespace: str, now: datetime) -> Iterator[Sample]:
    """How far apart the runs of each schedule are, for each application that it concerns; and the objectives."""
    apps = [app.slug for app in applications(cluster, namespace)]
    for schedule in _schedules(cluster, namespace):
        apart = None if schedule.paused else interval(schedule, now)
        if apart is None:
            continue
        for app in _concerned(schedule, apps):
            yield Sample(m.SCHEDULE_INTERVAL, apart.total_seconds(), (schedule.name, app, schedule.does))
    for slug, length in _objectives(cluster, namespace).items():
        if slug in apps:
            yield Sample(m.OBJECTIVE, length.total_seconds(), (slug,))


def of_licenses(cluster: Cluster, namespace: str, trusted: Mapping[str, bytes] | None) -> Iterator[Sample]:
    """When each license ends. One that is not valid, or never ends, says nothing; nor does any without trusted keys."""
    apps = applications(cluster, namespace)
    yield Sample(m.APPLICATIONS, len(apps))
    for app in apps:
        with suppress(LicenseInvalid):
            ends = verify(app.license, trusted).expires_at if app.license and trusted else None
            if ends is not None:
                yield Sample(m.LICENSE_ENDS, ends.timestamp(), (app.slug,))


def interval(schedule: Schedule, now: datetime) -> timedelta | None:
    """The longest time between two of the next runs; None if there are not two."""
    due = islice(coming(schedule, now), RUNS)
    return max((later - earlier for earlier, later in pairwise(due)), default=None)


def _schedules(cluster: Cluster, namespace: str) -> Iterator[Schedule]:
    for obj in cluster.list(CONFIG_MAPS, namespace, schedules.LABEL):
        with suppress(Invalid):
            yield schedules.from_config_map(obj)


def _concerned(schedule: Schedule, apps: Iterable[str]) -> list[str]:
    """The application of the schedule; of a full one, all."""
    return [app for app in apps if schedule.app in (None, app)]


def _objectives(cluster: Cluster, namespace: str) -> Mapping[str, timedelta]:
    try:
        return objectives.from_config_map(cluster.get(CONFIG_MAPS, namespace, objectives.NAME))
    except NotFound:
        return {}
