"""Ordinary lives of volumes, as the numbers that a daily copy of each would leave; and what an attack does to them.

Nothing is copied: a model only says how many bytes and files come, change and go each day, and how well they compress.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from schemas.records import Changes, PastCopy

MB = 1_000_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Day:
    """What a day does to a volume: bytes `read` anew, of them `new` to the repository, which take `share` of their
    size when compressed; and by how much the volume grows or shrinks."""

    read: float = 0
    new: float = 0
    share: float = 0.4
    grows: float = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0


@dataclass
class Volume:
    """A volume as it stands."""

    size: float
    files: int


Life = Callable[[Random, Volume], Iterator[Day]]


def copies(random: Random, life: Life, days: int) -> Iterator[PastCopy]:
    """The numbers of each day's copy; the first has no parent."""
    volume = Volume(random.lognormvariate(4, 1.2) * MB, random.randint(30, 20_000))
    lived = life(random, volume)
    first = next(lived)
    yield _copy(0, volume, Changes(new_bytes=round(volume.size), new_stored_bytes=round(volume.size * first.share)))
    for day in range(1, days):
        if random.random() < 0.03:
            continue  # a backup was missed
        yield taken(day, volume, next(lived))


def taken(day: int, volume: Volume, what: Day) -> PastCopy:
    """The copy after that day; the volume is then as the day has left it."""
    before = replace(volume)
    volume.size = max(1.0, volume.size + what.grows)
    volume.files = max(1, volume.files + what.added - what.deleted)
    new = min(what.new, what.read)
    changes = Changes(
        bytes_before=round(before.size),
        files_before=before.files,
        files_added=what.added,
        files_changed=what.changed,
        files_deleted=min(what.deleted, before.files),
        new_bytes=round(new),
        new_stored_bytes=round(new * min(1.0, what.share)),
    )
    return _copy(day, volume, changes, min(what.read, volume.size))


def _copy(day: int, volume: Volume, changes: Changes, read: float | None = None) -> PastCopy:
    return PastCopy(
        backup=f"day-{day}",
        at=BEGAN + timedelta(days=day),
        scanned_bytes=round(volume.size),
        changed_bytes=round(volume.size if read is None else read),
        changes=changes,
    )


def logs(random: Random, volume: Volume) -> Iterator[Day]:
    """Text grows, is compressed and renamed each night, and goes after two weeks; some days have much more of it."""
    share, part = random.uniform(0.08, 0.25), random.uniform(0.02, 0.1)
    while True:
        text = volume.size * part * random.lognormvariate(0, 0.5)
        packed = text * share
        gone = packed * random.uniform(0.8, 1.2)
        mixed = (text * share + packed) / (text + packed)
        yield Day(volume.size * random.uniform(0.6, 1), text + packed, mixed, text * 0.1 - gone * 0.1, 1, 14, 1)


def quiet_logs(random: Random, volume: Volume) -> Iterator[Day]:
    """Text grows a little, and is compressed and renamed once a week."""
    share = random.uniform(0.08, 0.25)
    while True:
        for weekday in range(7):
            text = volume.size * random.uniform(0.01, 0.03)
            if weekday < 6:
                yield Day(text * (weekday + 1), text, share, text, 0, 1, 0)
            else:
                packed = text * 6 * share
                yield Day(volume.size * 0.3, packed + text, (packed + text * share) / (packed + text), -text, 1, 8, 1)


def database(random: Random, volume: Volume) -> Iterator[Day]:
    """Large files, of which some pages change; every week or month all is written anew, and some space comes back."""
    volume.files = random.randint(5, 1500)
    share, part = random.uniform(0.15, 0.5), random.uniform(0.005, 0.15)
    every = random.choice((7, 30, 1000))
    for day in range(10**6):
        if day % every == every - 1:
            yield Day(volume.size, volume.size * 0.95, share * random.uniform(0.8, 1.1), -volume.size * 0.2, 2, 900, 2)
        else:
            new = volume.size * part * random.lognormvariate(0, 0.6)
            kept = share * random.uniform(0.9, 1.15)
            yield Day(volume.size * random.uniform(0.3, 1), new, kept, new * 0.15, 1, 50, random.randint(0, 1))


def dumps(random: Random, volume: Volume) -> Iterator[Day]:
    """A compressed dump each night, of which seven are kept."""
    volume.files = 7
    while True:
        size = volume.size / 7 * random.uniform(0.95, 1.05)
        yield Day(size, size, random.uniform(0.97, 1), size - volume.size / 7, 1, 0, 1)


def media(random: Random, volume: Volume) -> Iterator[Day]:
    """Pictures and films come, some days many; now and then a part is cleaned up."""
    while True:
        new = volume.size * 0.01 * random.lognormvariate(0, 1.2)
        files = max(1, round(volume.files * new / volume.size))
        if random.random() < 0.02:
            part = random.uniform(0.05, 0.35)
            yield Day(new, new, 0.98, new - volume.size * part, files, 1, round(volume.files * part))
        else:
            yield Day(new, new, random.uniform(0.95, 1), new, files, random.randint(0, 3), random.randint(0, 2))


def releases(random: Random, volume: Volume) -> Iterator[Day]:
    """All of a program's files are replaced, under the same names or others, every one to five weeks."""
    share, every = random.uniform(0.25, 0.6), random.randint(7, 35)
    for day in range(10**6):
        if day % every == every // 2:
            size = volume.size * random.uniform(0.85, 1.25)
            files = round(volume.files * random.uniform(0.9, 1.2))
            new = size * random.uniform(0.2, 1)
            yield Day(size, new, share * random.uniform(0.85, 1.15), size - volume.size, files, 10, volume.files)
        else:
            yield Day(volume.size * 0.001, volume.size * 0.001, share, 0, 0, random.randint(0, 3), 0)


def segments(random: Random, volume: Volume) -> Iterator[Day]:
    """A search index or a log of messages: segments, compressed already, are merged and the old ones dropped."""
    share = random.uniform(0.5, 1)
    volume.files = random.randint(50, 2000)
    for day in range(10**6):
        part = random.uniform(0.5, 0.95) if day % 7 == 6 else random.uniform(0.02, 0.3)
        files = round(volume.files * part)
        grows = volume.size * random.uniform(-0.06, 0.06)
        kept = min(1.0, share * random.uniform(0.93, 1.07))
        yield Day(volume.size * part, volume.size * part * 0.9, kept, grows, files, 3, files)


def documents(random: Random, volume: Volume) -> Iterator[Day]:
    """Documents come and change a little; a quarter's or a project's are moved away now and then."""
    share = random.uniform(0.3, 0.9)
    while True:
        new = volume.size * random.uniform(0, 0.02)
        if random.random() < 0.01:
            part = random.uniform(0.05, 0.4)
            yield Day(new, new, share, -volume.size * part, 3, 5, round(volume.files * part))
        elif random.random() < 0.02:  # somebody uploads a large archive
            size = volume.size * random.uniform(0.1, 0.6)
            yield Day(size, size, 0.99, size, 2, 5, 1)
        else:
            kept = min(1.0, share * random.uniform(0.7, 1.3))
            yield Day(new, new, kept, new * 0.5, random.randint(0, 9), random.randint(0, 9), random.randint(0, 2))


def mail(random: Random, volume: Volume) -> Iterator[Day]:
    """Very many small files; they come, go, and are renamed when they are read."""
    while True:
        new = volume.size * random.uniform(0.002, 0.01)
        moved = round(volume.files * random.uniform(0.005, 0.03))
        yield Day(new * 4, new, random.uniform(0.4, 0.7), new * 0.6, moved + 20, 5, moved + random.randint(0, 9))


def workspace(random: Random, volume: Volume) -> Iterator[Day]:
    """What builds leave: on working days, any part of it is made anew, and sometimes all is cleaned."""
    for day in range(10**6):
        if day % 7 >= 5:
            yield Day()
            continue
        part = random.uniform(0, 1)
        size = volume.size * random.uniform(0.5, 1.6)
        files = round(volume.files * part)
        read = size * part
        yield Day(read, read * random.uniform(0.3, 1), random.uniform(0.25, 0.7), size - volume.size, files, 9, files)


def settled(random: Random, volume: Volume) -> Iterator[Day]:
    """Nothing changes for weeks, then some of it."""
    share = random.uniform(0.2, 0.6)
    while True:
        part = random.uniform(0, 0.1) if random.random() < 0.05 else 0
        yield Day(volume.size * part, volume.size * part, share * random.uniform(0.8, 1.2), 0, 0, round(9 * part), 0)


def touched(random: Random, volume: Volume) -> Iterator[Day]:
    """Few changes; once a month owners and times of all files change, or all is restored, with the same content."""
    share = random.uniform(0.2, 0.6)
    while True:
        if random.random() < 0.03:
            yield Day(volume.size, volume.size * 0.001, share, 0, 0, volume.files, 0)
        else:
            new = volume.size * random.uniform(0, 0.01)
            yield Day(new, new, share * random.uniform(0.8, 1.2), 0, 1, 3, 1)


ORDINARY: tuple[Life, ...] = (
    logs,
    quiet_logs,
    database,
    dumps,
    media,
    releases,
    segments,
    documents,
    mail,
    workspace,
    settled,
    touched,
)


def encrypted(volume: Volume, part: float) -> Day:
    """A part of all is encrypted, and its files get other names."""
    size, files = volume.size * part, round(volume.files * part)
    return Day(size, size, 1.0, 0, files, 0, files)


def wiped(volume: Volume, part: float) -> Day:
    """A part of all is deleted."""
    return Day(grows=-volume.size * part, deleted=round(volume.files * part))
