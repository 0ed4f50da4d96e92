"""The first sentence of home: the worst that there is to say, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from producers.views.home.facts import CONSOLE, Facts, Unread
from producers.views.home.spoken import counted, length, listed, moment, short
from producers.views.home.standings import AppStanding
from producers.views.home.uncovered import Uncovered

Rank = Literal["unknown", "nothing", "applications", "uncovered", "unverified", "good"]
RANKS: tuple[Rank, ...] = ("unknown", "nothing", "applications", "uncovered", "unverified", "good")
"""The worst first."""
Tone = Literal["bad", "warn", "idle", "run", "ok"]
Doing = Literal[
    "configure", "start-full", "start-partial", "see", "follow", "include", "verify", "destination", "register"
]
MOST = 6
"""Things to do that are told one by one; the applications below have the rest."""


@dataclass(frozen=True)
class Deed:
    """Something to do: `of` names the application, snapshot or destination that it is done with."""

    does: Doing
    of: str = ""


@dataclass(frozen=True)
class Todo:
    """One thing that is not as it should be, or is under way: a state in one word, `about` what, and two deeds at
    most."""

    tone: Tone
    word: str
    about: str
    text: str
    deeds: tuple[Deed, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The sentence, what supports it, and what to do."""

    rank: Rank
    tone: Tone
    sentence: str
    support: str
    todo: tuple[Todo, ...] = ()


def verdict(facts: Facts, standings: Sequence[AppStanding]) -> Verdict:
    """What there is to say. `standings` are the applications', the worst first."""
    bad = [each for each in standings if each.state != "ok"]
    todo = tuple(_todo(facts, standings, bad))
    if facts.unread and (unsure := _unsure(facts, bad)):
        return Verdict("unknown", "bad", f"It cannot be said whether everything is backed up: {unsure}.", "", todo)
    if not facts.destinations:
        return Verdict(
            "nothing",
            "idle",
            "Nothing is backed up yet: there is no destination.",
            "Snapline needs a bucket, or a directory, that only it writes to. It takes about two minutes.",
            (Todo("idle", "Missing", "", "Choose where snapshots go.", (Deed("configure"),)),),
        )
    if all(each.state == "never" for each in standings) and not any(each.failed for each in standings):
        return Verdict(
            "nothing",
            "idle",
            "Nothing is backed up yet: there is no good snapshot.",
            "A full snapshot holds the Admin Console and all applications.",
            tuple(_first(facts, standings)),
        )
    if bad:
        others = f", and {counted(len(bad) - 1, 'more needs', 'more need')} a look" if len(bad) > 1 else ""
        sentence = f"Not everything is backed up: {_said(bad[0])}{others}."
        return Verdict("applications", _tone(bad[0]), sentence, _rest(facts, standings), todo)
    if facts.all_apps and (sentence := _uncovered(facts.uncovered)):
        return Verdict("uncovered", "warn", sentence, _rest(facts, standings), todo)
    if unproven := _unproven(standings):
        names = listed([each.app.name for each in unproven])
        has = "has" if len(unproven) == 1 else "have"
        return Verdict(
            "unverified",
            "warn",
            f"Everything is backed up, but {names} {has} never been read back.",
            "A snapshot that was never verified may not be restorable.",
            todo,
        )
    return Verdict("good", "ok", "Everything is backed up.", _rest(facts, standings), todo)


def _unsure(facts: Facts, bad: Sequence[AppStanding]) -> str:
    """Why nothing can be said, if that is so: what matters is not to be read, or what might hold something better."""
    matter = [each.what for each in facts.unread if each.weight != "doubts" or bad]
    return f"{listed(matter)} cannot be read" if matter else ""


def _said(standing: AppStanding) -> str:
    name = standing.app.name
    if standing.age is None:
        return f"{name} has no good snapshot" if standing.failed else f"{name} has never been backed up"
    if standing.state == "overdue":
        return f"{name} has had no good snapshot for {length(standing.age)}"
    return f"the last snapshot of {name} failed"


def _tone(standing: AppStanding) -> Tone:
    return "warn" if standing.state == "failed" else "bad"


def _rest(facts: Facts, standings: Sequence[AppStanding]) -> str:
    """What is said of those that are well, and when the next run is due."""
    well = [each for each in standings if each.state == "ok"]
    apps = sum(each.app.slug != CONSOLE for each in well)
    who = [counted(apps, "application")] if apps else []
    who += ["the Admin Console"] if len(well) > apps else []
    oldest = max(well, key=lambda each: each.age or timedelta(0), default=None)
    said = []
    if who:
        text = f"{' and '.join(who)} {'has' if len(well) == 1 else 'have'} a good snapshot, as young as was asked for."
        said.append(text[0].upper() + text[1:])
    if oldest is not None and oldest.age is not None and len(well) > 1:
        said.append(f"The oldest is {_of(oldest.app.name)}, {short(oldest.age)}.")
    if coming := min((each.next for each in standings if each.next), default=None):
        said.append(f"The next run is due {moment(coming)}, in {short(coming - facts.at)}.")
    return " ".join(said)


def _of(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _uncovered(found: Uncovered | None) -> str:
    if found is None:
        return "All applications are backed up; whether all volumes are covered cannot be said."
    open_ = [each for each in found.volumes if not each.waits]
    if not open_:
        return ""
    spaces = sorted({each.namespace for each in open_})
    is_ = "is" if len(open_) == 1 else "are"
    return f"Not everything is backed up: {counted(len(open_), 'volume')} in {listed(spaces)} {is_} in no snapshot."


def _unproven(standings: Sequence[AppStanding]) -> list[AppStanding]:
    return [each for each in standings if each.good is not None and each.verified is None]


def _first(facts: Facts, standings: Sequence[AppStanding]) -> Iterator[Todo]:
    if running := next((each.running for each in standings if each.running), None):
        yield Todo(
            "run", "In Progress", running.name, "The first snapshot is under way.", (Deed("follow", running.name),)
        )
        return
    if not facts.apps:
        text = "No application is registered; a full snapshot holds the Admin Console alone."
        yield Todo("idle", "Missing", "", text, (Deed("register"),))
    yield Todo("idle", "Missing", "", "Take the first snapshot.", (Deed("start-full"),))


def _todo(facts: Facts, standings: Sequence[AppStanding], bad: Sequence[AppStanding]) -> Iterator[Todo]:
    """The worst first; then what is under way."""
    yield from map(_unread, facts.unread)
    yield from map(_application, bad[:MOST])
    if len(bad) > MOST:
        yield Todo("bad", "More", "", f"{len(bad) - MOST} more applications need a look: see below.")
    if facts.uncovered and (volumes := [each for each in facts.uncovered.volumes if not each.waits]):
        spaces = listed(sorted({each.namespace for each in volumes}))
        text = f"no snapshot holds {'it' if len(volumes) == 1 else 'them'}, in {spaces}."
        yield Todo("warn", "Not covered", counted(len(volumes), "volume"), text, (Deed("include"),))
    damaged = sum(each.status == "Unreadable" for each in facts.backups)
    if damaged:
        text = "cannot be believed: what the store has of them is damaged, or none of ours."
        yield Todo("warn", "Unreadable", counted(damaged, "snapshot"), text)
    if not bad:
        yield from map(_verify, _unproven(standings)[:MOST])
    running = {each.running.name: each.running for each in standings if each.running}
    for name, view in running.items():
        what = "Full snapshot" if view.app is None else f"Partial snapshot of {view.app}"
        yield Todo(
            "run", "In Progress", name, f"{what}, asked for {moment(view.requested_at)}.", (Deed("follow", name),)
        )


def _unread(each: Unread) -> Todo:
    deeds = (Deed("destination", each.what),) if each.what.startswith("destination ") else ()
    return Todo("warn" if each.weight == "doubts" else "bad", "Not known", each.what, each.problem.text, deeds)


def _application(standing: AppStanding) -> Todo:
    words = {"overdue": "Overdue", "failed": "Failed", "never": "Never"}
    deeds = [Deed("see", standing.failed.name)] if standing.failed and standing.failed.status != "Rejected" else []
    if standing.running is None:
        deeds.append(Deed("start-full") if standing.app.slug == CONSOLE else Deed("start-partial", standing.app.slug))
    return Todo(_tone(standing), words[standing.state], standing.app.name, _why(standing), tuple(deeds))


def _why(standing: AppStanding) -> str:
    said = []
    if standing.failed is not None:
        reason = f": {standing.reason.text}" if standing.reason else ""
        said.append(f"its snapshot of {moment(standing.failed.requested_at)} did not go well{reason[:300]}.")
    if standing.missed is not None:
        said.append(f"the run of {moment(standing.missed)} was not asked for by anybody.")
    if standing.good is not None:
        said.append(f"The last good snapshot is of {moment(standing.good.requested_at)}.")
    elif standing.failed is None:
        said.append("there is no snapshot of it yet.")
    if standing.app.objective is not None:
        said.append(f"The objective is {short(standing.app.objective)}.")
    return " ".join(said)


def _verify(standing: AppStanding) -> Todo:
    good = standing.good.name if standing.good else ""
    return Todo("warn", "Never", standing.app.name, "its snapshots have never been read back.", (Deed("verify", good),))
