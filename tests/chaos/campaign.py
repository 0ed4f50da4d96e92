"""A campaign: rounds of asking under faults, each of which ends when the faults have stopped and all has ended."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas import events as e
from schemas.errors import SnaplineError
from tests.chaos import faults, workload
from tests.chaos.desk import Asked, Desk
from tests.chaos.faults import Doings, Means
from tests.chaos.stage import Stage, churn
from tests.chaos.truth import Truth

REST = (0.5, 2.5)
"""Seconds between two faults."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is asked for in all, in how many rounds; for how many seconds each round's faults go on at least; and
    within how many seconds after that all must have ended. Each of `weather` comes once in any order, and then by
    chance; it lasts so many seconds at least and at most."""

    weather: tuple[str, ...]
    window: tuple[float, float]
    jobs: int
    rounds: int
    seconds: float
    bound: float
    seed: int


@dataclass
class Course:
    """What a campaign has done so far. `strikes` are those that have not come yet; `slowest` is the longest that a
    round took to end after its last fault."""

    desk: Desk
    doings: Doings
    truth: Truth
    wishes: workload.Chance
    strikes: list[str]
    asked: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    ended: bool = True


def run(stage: Stage, desk: Desk, plan: Plan, say: Say) -> Course:
    """All rounds; ends early when one does not end."""
    chance = random.Random(plan.seed)
    strikes = chance.sample(list(faults.STRIKES), len(faults.STRIKES))
    course = Course(desk, Doings(), Truth(), workload.Chance(chance), strikes)
    course.truth.note(stage.line.look())
    for name in (None, *workload.APPS):
        desk.ask("backup", e.BackupRequested(app=name), name or "instance", name, 0)
    course.asked["backup"] += len(workload.APPS) + 1
    if not settle(course, plan.bound):
        return course
    weather = chance.sample(plan.weather, len(plan.weather))
    for number in range(1, plan.rounds + 1):
        course.doings.round = number
        churn(stage.line, number)
        course.truth.note(stage.line.look())
        jobs = plan.jobs // plan.rounds + (number <= plan.jobs % plan.rounds)
        say(f"round {number} of {plan.rounds}: {jobs} requests")
        _torment(Means(stage, desk, course.doings, chance), course, plan, jobs, number, weather)
        if not settle(course, plan.bound):
            say(f"round {number} has not ended")
            return course
        _mend(stage, course, number, say)
    return course


def _torment(means: Means, course: Course, plan: Plan, jobs: int, number: int, weather: list[str]) -> None:
    """Asks for so many things while faults come, until the round's time is over and all has been asked for. In the
    last round, no weather is left out that has not been yet."""
    began, left = time.monotonic(), jobs
    pace = plan.seconds / max(1, jobs)

    def pass_time(seconds: float) -> None:
        nonlocal left
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            due = min(jobs, int((time.monotonic() - began) / pace) + 1)
            while left > jobs - due:
                try:
                    done = workload.ask(course.desk, means.stage.line, means.stage.server.url, course.wishes, number)
                except SnaplineError:
                    break
                course.asked[done] += 1
                left -= 1
            time.sleep(0.1)

    while time.monotonic() - began < plan.seconds or left or (number == plan.rounds and weather):
        name = weather.pop() if weather else means.chance.choice(plan.weather)
        with faults.WEATHER[name](means):
            course.doings.counts[name] += 1
            pass_time(means.chance.uniform(*plan.window) / 2)
            _strike(means, course.strikes)
            pass_time(means.chance.uniform(*plan.window) / 2)
        for _ in range(means.chance.randint(1, 2)):
            _strike(means, course.strikes)
            pass_time(means.chance.uniform(*REST))


def _strike(means: Means, first: list[str]) -> None:
    """One of the `first`, as long as there are any, and then any by weight."""
    weights = [faults.WEIGHTS.get(name, 1) for name in faults.STRIKES]
    name = first.pop() if first else means.chance.choices(list(faults.STRIKES), weights)[0]
    try:
        faults.STRIKES[name](means)
    except Exception as error:
        means.doings.counts[f"{name} (did not come to be: {type(error).__name__})"] += 1
    else:
        means.doings.counts[name] += 1


def settle(course: Course, bound: float) -> bool:
    """Waits until all that was asked for has ended, for `bound` seconds at most; whether it has."""
    began = time.monotonic()
    course.desk.hurry()
    while course.desk.unanswered():
        if time.monotonic() - began > bound:
            course.desk.fall_back()
            course.ended = not course.desk.unanswered()
            return course.ended
        time.sleep(0.5)
        if time.monotonic() - began > 15:
            course.desk.fall_back()
    course.slowest = max(course.slowest, time.monotonic() - began)
    return True


def _mend(stage: Stage, course: Course, number: int, say: Say) -> None:
    """Notes which applications a restore has left torn that was cancelled or failed, and has them restored wholly."""
    picture = stage.line.look()
    for app in workload.APPS:
        restores = [asked for asked in course.desk.asked.values() if _restored(asked, app, number)]
        ends = [course.desk.answer(asked.id) for asked in restores]
        if any(end is None or end.status not in ("Completed", "Rejected") for end in ends):
            course.truth.torn.add((app, number))
        if not course.truth.is_known(app, picture) or not stage.line.all_run():
            course.truth.torn.add((app, number))
            say(f"{app} is torn: {_restore(stage, course, app)}")


def _restored(asked: Asked, app: str, number: int) -> bool:
    return asked.kind == "restore" and asked.round == number and asked.app == app


def _restore(stage: Stage, course: Course, app: str) -> str:
    good = [asked for asked in course.desk.completed().values() if asked.app in (app, None)]
    sure = [asked for asked in good if not any((each, asked.round) in course.truth.torn for each in workload.APPS)]
    if not sure:
        return "and there is no backup to restore it from"
    done = stage.stack.snapline(
        *("restore", "--from-backup", sure[-1].subject, "--app", app, "--wait", "--timeout", "600", "-o", "json")
    )
    return f"restored from {sure[-1].subject}: {_status(done.stdout)}" if done.stdout else done.stderr[-500:]


def _status(text: str) -> str:
    try:
        return str(json.loads(text)["status"])
    except (ValueError, KeyError):
        return text[-200:]
