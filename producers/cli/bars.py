"""Live progress on standard error: of a job its phase, volumes, pace and time left; of other work how much is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from producers.cli.render import printable
from producers.cli.rows import PHASES
from producers.cli.tables import length
from producers.views.pace import Pace, seen
from producers.views.progress import JobProgress
from schemas import events as e

MOST_VOLUMES = 8
"""Bars at a time."""
NARROW = 72
"""Cells of a terminal that has no room for bars beside the numbers."""
EVERY = 10.0
"""Seconds between lines where nobody sees bars."""


class Bars:
    """A line with phase and elapsed time, a bar for each volume, a line with pace and time left. Without a terminal, a
    line whenever the phase changes, and every `EVERY` seconds one that says how far it is."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console, self._clock = console, clock
        self._began = self._said_at = clock()
        self._phase, self._pace = "", Pace()
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def update(self, progress: JobProgress) -> None:
        """Shows the job as it is now."""
        now = self._clock()
        self._pace = seen(self._pace, now, progress.bytes_done)
        if self._console.is_terminal:
            self._live.update(frame(progress, self._pace, now - self._began, self._console.width))
        elif progress.phase == "ended":
            pass  # `summary` says so
        elif progress.phase != self._phase or (progress.volumes and now - self._said_at >= EVERY):
            self._said_at = now
            said = totals(progress, self._pace) if progress.phase == self._phase else ""
            self._console.print(_head(progress, now - self._began) + (f": {said}" if said else ""), soft_wrap=True)
        self._phase = progress.phase

    @contextmanager
    def shown(self) -> Iterator["Bars"]:
        """While the context lasts; then the bars are gone."""
        if self._console.is_terminal:
            with self._live:
                yield self
        else:
            yield self


def frame(progress: JobProgress, pace: Pace, elapsed: float, width: int) -> Group:
    """What a terminal of that width shows."""
    lines = [Text(_head(progress, elapsed), overflow="fold")]
    if progress.objects and progress.phase != "ended":
        lines.append(Text(f"  {_count(progress.objects, 'object')} captured", overflow="fold"))
    if not progress.volumes:
        return Group(*lines)
    shown, hidden = _chosen(progress)
    more = [Text(f"  and {hidden} more", overflow="fold")] if hidden else []
    last = Text(f"  {totals(progress, pace)}", overflow="fold")
    return Group(*lines, _volumes(shown, progress.sized, width), *more, last)


def totals(progress: JobProgress, pace: Pace) -> str:
    """How far all volumes are together, how fast, and how long it still takes, as far as anybody knows."""
    done, total, rate = progress.bytes_done, progress.bytes_total, pace.per_second()
    said = [f"{decimal(done)} of {decimal(total)} ({_percent(done, total)})" if total > done else decimal(done)]
    said.append(_count(progress.files_done, "file"))
    if rate:
        said.append(f"{decimal(int(rate))}/s")
    if (left := pace.left(total)) is not None:
        said.append(f"{length(left)} left")
    return ", ".join(said)


def summary(name: str, status: str, progress: JobProgress, elapsed: float) -> str:
    """One line about a job that was followed to its end."""
    parts = [_count(progress.objects, "object")] if progress.objects else []
    if progress.volumes:
        parts.append(_count(len(progress.volumes), "volume"))
        parts.append(f"{decimal(progress.bytes_done)} in {_count(progress.files_done, 'file')}")
    return f"{name}: {status} after {length(elapsed)}" + (f": {', '.join(parts)}" if parts else "")


def _head(progress: JobProgress, elapsed: float) -> str:
    name = progress.name or f"request {progress.request}"
    return printable(f"{name}: {PHASES[progress.phase]}, {length(elapsed)}")


def _chosen(progress: JobProgress) -> tuple[list[e.VolumesProgressed], int]:
    """The volumes that have a bar, those that are not done first, by name; and how many have none."""
    by_name = sorted(progress.volumes.values(), key=lambda each: each.volume)
    by_state = sorted(by_name, key=lambda each: each.bytes_done >= each.bytes_total)
    shown = sorted(by_state[:MOST_VOLUMES], key=lambda each: each.volume)
    return shown, len(by_name) - len(shown)


def _volumes(volumes: list[e.VolumesProgressed], sized: frozenset[str], width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    table.add_column(overflow="fold")
    if width >= NARROW:
        table.add_column(width=max(10, min(40, width - 60)))
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True)
    for each in volumes:
        done, total, known = each.bytes_done, max(each.bytes_total, each.bytes_done), each.volume in sized
        bar = ProgressBar(total=total or 1, completed=done) if known else Text("")
        numbers = f"{decimal(done)} of {decimal(total)}" if total > done else decimal(done)
        percent = Text(_percent(done, total) if known else "")
        table.add_row(Text(printable(f"  {each.volume}")), *([bar] if width >= NARROW else []), percent, Text(numbers))
    return table


def _percent(done: int, total: int) -> str:
    return f"{100 * done // total if total else 100} %"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


@contextmanager
def work_bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """It is told what is being done, how much of that is done, and how much there is to do. Without a terminal it says
    only what."""
    description = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))
    bars = Progress(description, BarColumn(), TaskProgressColumn(), console=console)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(printable(what), total=total)
            if not console.is_terminal:
                console.print(printable(what), soft_wrap=True)
        bars.update(tasks[what], completed=done, total=total)

    if console.is_terminal:
        with bars:
            yield tell
    else:
        yield tell
