"""What changes of a list, while somebody watches."""

from collections.abc import Callable, Iterator

from producers.cli.render import Row


def changes(first: list[Row], read: Callable[[], list[Row]], rest: Callable[[], None]) -> Iterator[list[Row]]:
    """The rows that are new or other than they were, after each `rest`; what went is told as `Deleted`. Never ends."""
    known = {row["name"]: row for row in first}
    while True:
        rest()
        now = {row["name"]: row for row in read()}
        gone = [{**row, "status": "Deleted"} for name, row in known.items() if name not in now]
        changed = [row for name, row in now.items() if row != known.get(name)]
        known = now
        if gone or changed:
            yield [*gone, *reversed(changed)]
