"""Judges a campaign's history. Pure: histories with planted violations show that it can fail."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.chaos.history import DELETED, RECORD, End, History, Request

GOOD = frozenset({"Completed", "Deleted", "Pruned", "Verified", "Copied"})
"""How requests of each kind end that nothing has come between."""
REFUSED = frozenset({"Rejected", "DeleteFailed", "CopyFailed"})
"""Answers that refuse something, and say why."""


@dataclass(frozen=True)
class Violation:
    """A promise that was broken, about what, and how."""

    promise: str
    subject: str
    text: str


def violations(history: History) -> list[Violation]:
    """All of them; none is what everybody hopes for."""
    history = replace(history, ends=[end for end in history.ends if not _comes_again(history, end)])
    return [
        *_all_ended(history),
        *_ended_once(history),
        *_as_recorded(history),
        *_well(history),
        *_green_is_restorable(history),
        *_nothing_is_left(history),
        *_processes(history),
    ]


def _comes_again(history: History, end: End) -> bool:
    """Whether it is the answer to a request that came again when its backup had been made, and deleted."""
    return (
        end.code == "BackupDeleted"
        and end.status == "Rejected"
        and any(
            request.id == end.request and request.kind == "backup" and DELETED in request.excuses
            for request in history.requests
        )
    )


def _all_ended(history: History) -> Iterator[Violation]:
    if history.ended_in is None:
        yield Violation("everything ends", "the line", "not all has ended within the bound")
    answered = {end.request for end in history.ends}
    for request in history.requests:
        if request.accepted and request.id not in answered:
            yield Violation("every request ends", request.id, f"{request.kind} of {request.subject} has no end")


def _ended_once(history: History) -> Iterator[Violation]:
    kinds = {request.id: request.kind for request in history.requests}
    ends: dict[str, list[End]] = defaultdict(list)
    for end in history.ends:
        if end.request not in kinds:
            yield Violation("nothing ends that nobody asked for", end.request, f"{end.status} ({end.event})")
        ends[end.request].append(end)
    for id_, told in ends.items():
        if len(statuses := sorted({end.status for end in told})) > 1:
            yield Violation("every request ends once", id_, f"it has ended as {' and as '.join(statuses)}")
        elif (
            kinds.get(id_) in ("backup", "restore")
            and len({(end.event, end.said) for end in told if end.event != RECORD}) > 1
        ):
            yield Violation("every request ends once", id_, f"two ends, both {statuses[0]}, say different things")


def _as_recorded(history: History) -> Iterator[Violation]:
    seen: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for final in history.finals:
        seen[final.job].add((final.status, final.ended_at))
    for job, records in seen.items():
        if len(records) > 1:
            yield Violation("a final record stays", job, f"it was {sorted(records)}")
    told = {
        f"{request.kind} {request.subject}": request.id
        for request in history.requests
        if request.kind in ("backup", "restore")
    }
    statuses = {end.request: end.status for end in history.ends}
    for job, records in seen.items():
        said = statuses.get(told.get(job, ""))
        if said is not None and said not in {status for status, _ in records}:
            yield Violation("what is told is on record", job, f"told as {said}, recorded as {sorted(records)}")


def _well(history: History) -> Iterator[Violation]:
    """Faults that pass fail no job; what fails says why."""
    requests = {request.id: request for request in history.requests}
    for end in history.ends:
        request = requests.get(end.request)
        if request is None or end.status in GOOD:
            continue
        if not end.code and not end.text and end.status != "Cancelled":
            yield Violation("what fails says why", end.request, f"{end.status} without a reason")
        if not _excused(request, end):
            text = f"{request.kind} of {request.subject}: {end.status} ({end.code} {end.text})"
            yield Violation("faults that pass fail nothing", end.request, text)


def _excused(request: Request, end: End) -> bool:
    excuses = set(request.excuses) - ({DELETED} if request.kind == "backup" else set())
    if end.status in REFUSED and request.kind not in ("backup",):
        return True
    if end.status == "Cancelled":
        return "cancelled" in excuses
    return bool(excuses)


def _green_is_restorable(history: History) -> Iterator[Violation]:
    for look in history.looks:
        if look.verified:
            yield Violation("green means restorable", look.backup, look.verified)
        for difference in look.differences:
            yield Violation("green means restorable", look.backup, difference)
    for name in history.unlooked:
        yield Violation("green means restorable", name, "it was not looked at")
    for name, differences in history.restored.items():
        for difference in differences:
            yield Violation("a restore brings everything back", name, difference)
    for problem in history.repository:
        yield Violation("the repository is whole", "repository", problem)


def _nothing_is_left(history: History) -> Iterator[Violation]:
    for what in history.left:
        yield Violation("nothing is left behind", what, "it is still there")
    for letter in history.letters:
        if not letter.ours:
            yield Violation("no dead letter without a cause", letter.queue, f"{letter.type}: {letter.reason}")


def _processes(history: History) -> Iterator[Violation]:
    for worker, state in history.unwell.items():
        yield Violation("all threads live", worker, state)
    for ended in history.exits:
        if not ended.explained:
            yield Violation("no worker ends by itself", ended.worker, f"exit code {ended.code}")
