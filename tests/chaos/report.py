"""What came of a campaign, for people and for programs."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Course
from tests.chaos.checker import GOOD, Violation
from tests.chaos.history import KINDS, History


def figures(seed: int, course: Course, history: History, found: list[Violation], seconds: float) -> dict[str, Any]:
    """All figures."""
    kinds = {request.id: request.kind for request in history.requests}
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    last = {end.request: end for end in history.ends}
    for id_, end in last.items():
        outcomes[kinds[id_]][end.status] += 1
    return {
        "seed": seed,
        "seconds": round(seconds),
        "faults": dict(sorted(course.doings.counts.items())),
        "asked": {kind: sum(other == kind for other in kinds.values()) for kind in KINDS},
        "cancels": course.asked["cancel"],
        "outcomes": {kind: dict(counts) for kind, counts in outcomes.items()},
        "asked_again": sum(max(0, asked.times - 1) for asked in course.desk.asked.values()),
        "slowest_end_after_faults_seconds": round(history.ended_in or 0, 1),
        "read_back": {
            "verified": sum(not look.verified for look in history.looks),
            "compared": sum(look.compared for look in history.looks),
            "restored_wholly": len(history.restored),
        },
        "worker_ends": len(history.exits),
        "dead_letters": {"ours": sum(letter.ours for letter in history.letters), "all": len(history.letters)},
        "not_well": _not_well(history),
        "violations": [asdict(violation) for violation in found],
    }


def _not_well(history: History) -> list[str]:
    """What ended otherwise than it was asked for, why, and what excuses it."""
    requests = {request.id: request for request in history.requests}
    return [
        f"{requests[end.request].kind} {requests[end.request].subject}: {end.status} {end.code} {end.text}"
        f" (excused by: {', '.join(requests[end.request].excuses) or 'nothing'})"
        for end in history.ends
        if end.status not in GOOD and end.request in requests
    ]


def show(said: dict[str, Any], console: Console) -> None:
    """As tables."""
    faults = Table("fault", "times", title=f"Faults (seed {said['seed']}, {said['seconds']} s)", title_justify="left")
    for name, times in said["faults"].items():
        faults.add_row(name, str(times))
    jobs = Table("asked for", "times", "ended", title="Requests", title_justify="left")
    for kind, times in said["asked"].items():
        ends = ", ".join(f"{count} {status}" for status, count in said["outcomes"].get(kind, {}).items())
        jobs.add_row(kind, str(times), ends)
    jobs.add_row("cancel", str(said["cancels"]), "")
    console.print(faults, jobs)
    for name in ("asked_again", "slowest_end_after_faults_seconds", "read_back", "worker_ends", "dead_letters"):
        console.print(f"{name.replace('_', ' ')}: {_plain(said[name])}")
    for line in said["not_well"]:
        console.print(f"not as asked: {line}", markup=False)
    for violation in said["violations"]:
        console.print(f"VIOLATION {violation['promise']}: {violation['subject']}: {violation['text']}", markup=False)
    console.print(f"{len(said['violations'])} violations; the same again: make chaos SEED={said['seed']}")


def _plain(value: Any) -> str:
    return ", ".join(f"{v} {k}" for k, v in value.items()) if isinstance(value, dict) else json.dumps(value)
