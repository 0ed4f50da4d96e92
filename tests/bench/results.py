"""What was measured, as JSON lines and as a table. Noise is shown as what the rounds ranged over."""

import statistics
from dataclasses import dataclass

from rich import box
from rich.table import Table

from tests.bench import tools
from tests.bench.runs import Run


@dataclass(frozen=True)
class Result:
    """One line: what ours and one peer took, in all rounds."""

    row: str
    peer: tools.Peer
    ours: list[Run]
    theirs: list[Run]

    def fields(self) -> dict[str, object]:
        """As it is printed. Lists are least, median and most of the rounds; a ratio is of one round's two runs."""
        return {
            "row": self.row,
            "ours_s": _range([run.seconds for run in self.ours]),
            "peer": self.peer.name,
            "peer_version": self.peer.version,
            "peer_s": _range([run.seconds for run in self.theirs]),
            "ratio": self.ratio(),
            "ours_rss_mib": _rss_mib(self.ours),
            "peer_rss_mib": _rss_mib(self.theirs),
            "ours_bytes": stored_bytes(self.ours),
            "peer_bytes": stored_bytes(self.theirs),
        }

    def ratio(self) -> list[float]:
        """How many times faster ours is."""
        rounds = zip(self.ours, self.theirs, strict=False)  # one that failed has fewer
        return _range([theirs.seconds / ours.seconds for ours, theirs in rounds])


def table(results: list[Result]) -> Table:
    """For people."""
    caption = "seconds and ratio: medians; rounds: least and most of the rounds' ratios; MiB: peak memory; MB: stored"
    made = Table(box=box.SIMPLE, caption=caption, caption_justify="left")
    made.add_column("row", no_wrap=True)
    made.add_column("peer", no_wrap=True)
    for title in ("ours s", "peer s", "ratio", "rounds", "ours MiB", "peer MiB", "ours MB", "peer MB"):
        made.add_column(title, justify="right", no_wrap=True)
    for result in results:
        least, median, most = result.ratio()
        made.add_row(
            result.row,
            result.peer.name,
            *(f"{_range([run.seconds for run in runs])[1]:.2f}" for runs in (result.ours, result.theirs)),
            f"{median:.2f}x",
            f"{least:.2f}-{most:.2f}",
            *(f"{_rss_mib(runs):.0f}" for runs in (result.ours, result.theirs)),
            *("" if size is None else f"{size / 1e6:.1f}" for size in map(stored_bytes, (result.ours, result.theirs))),
        )
    return made


def stored_bytes(runs: list[Run]) -> int | None:
    """What a run added to the store; None if it is a restore."""
    stored = [run.stored_bytes for run in runs if run.stored_bytes is not None]
    return round(statistics.median(stored)) if stored else None


def _range(numbers: list[float]) -> list[float]:
    return [round(number, 3) for number in (min(numbers), statistics.median(numbers), max(numbers))]


def _rss_mib(runs: list[Run]) -> float:
    return round(max(run.rss_kib for run in runs) / 1024, 1)
