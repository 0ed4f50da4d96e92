"""What the demonstration says: to people as it goes on, and as a table at its end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

say = Console(stderr=True, highlight=False)


class DemoFailed(Exception):
    """What went wrong, for people to read."""


@dataclass
class Report:
    """A line per step: what, how long, what came of it."""

    rows: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """Times a step; call the result with what came of it."""
        say.print(what, style="bold", markup=False, soft_wrap=True)
        began, said = time.monotonic(), [""]
        yield lambda outcome: said.__setitem__(0, outcome)
        seconds = time.monotonic() - began
        self.rows.append((what, seconds, said[0]))
        say.print(f"  {said[0]} ({seconds:.1f} s)", markup=False, soft_wrap=True)

    def table(self) -> Table:
        """For people."""
        table = Table("step", "seconds", "outcome")
        table.columns[1].justify = "right"
        table.columns[2].overflow = "fold"
        for what, seconds, outcome in self.rows:
            table.add_row(what, f"{seconds:.1f}", outcome)
        return table
