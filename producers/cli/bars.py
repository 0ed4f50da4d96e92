"""Live progress on standard error: for a job its bytes, files and objects, for other work how much of it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from producers.views.progress import JobProgress

WORDS = {
    "requested": "waiting for the license gate",
    "licensed": "capturing objects",
    "copying": "copying volumes",
    "preparing": "planning",
    "securing": "taking the safety snapshot",
    "removing": "removing what is replaced",
    "restoring": "restoring",
    "finishing": "waiting for the pods",
    "ended": "ended",
}


class Bars:
    """Three bars and a word. Without a terminal, a line whenever the phase changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ""
        self._progress = Progress(
            TextColumn("{task.description}", justify="left"),
            BarColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {}

    def update(self, progress: JobProgress) -> None:
        """Shows the job as it is now."""
        if progress.phase != self._phase:
            self._phase = progress.phase
            name = progress.name or f"request {progress.request}"
            self._console.print(f"{name}: {WORDS[progress.phase]}", markup=False)
        if self._console.is_terminal:
            self._bar("bytes", progress.bytes_done, progress.bytes_total, f"{progress.bytes_done / 1e6:.1f} MB")
            self._bar("files", progress.files_done, None, str(progress.files_done))
            finished = progress.objects if progress.phase in ("copying", "finishing", "ended") else 0
            self._bar("objects", finished, progress.objects, f"{finished} of {progress.objects}")

    @contextmanager
    def shown(self) -> Iterator["Bars"]:
        """While the context lasts."""
        if self._console.is_terminal:
            with self._progress:
                yield self
        else:
            yield self

    def _bar(self, name: str, done: int, total: int | None, said: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, said="")
        self._progress.update(self._tasks[name], completed=done, total=total or None, said=said)


@contextmanager
def work_bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """It is told what is being done, how much of that is done, and how much there is to do. Without a terminal it says
    only what."""
    bars = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console)
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
            if not console.is_terminal:
                console.print(what)
        bars.update(tasks[what], completed=done, total=total)

    if console.is_terminal:
        with bars:
            yield tell
    else:
        yield tell
