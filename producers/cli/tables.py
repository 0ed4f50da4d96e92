"""Lists as tables and single things as sheets, for people. Names are whole at any width; other columns give way."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from producers.cli.render import printable

WHOLE = frozenset({"name", "slug", "id", "queue", "volume", "path", "variable", "check"})
"""Columns that are never cut, folded or left out: somebody may have to type what stands there."""
SPARED = (
    *("changed_bytes", "uploaded_bytes", "volumes", "objects", "bytes", "snapshot_of", "scope", "errors", "pod"),
    *("expires_at", "copied_from", "copies", "restore_seconds", "verification", "last_verified"),
    *("uid", "gid", "target", "duration_seconds", "schedule", "size", "app", "held", "backup", "files", "kind", "mode"),
    *("modified_at", "sender", "type", "parked_at", "version", "namespaces", "backup_resource", "place"),
)
"""Columns of a list that are left out where the terminal is too narrow for all, in this order."""
GAP = 2
"""Between two columns."""
NARROWEST = 8
"""Cells that a column needs at least which goes on in further lines."""
WIDEST = 10_000
"""Cells of a line where nothing says how wide it may be."""

Row = Mapping[str, Any]


def console(wide: bool = False) -> Console:
    """Where results go. Through a pipe, and where `wide` lines are wanted, all goes into one line."""
    found = Console(highlight=False, markup=False, emoji=False)
    if found.is_terminal and not wide:
        return found
    return Console(highlight=False, markup=False, emoji=False, width=WIDEST)


def print_list(rows: Sequence[Row], columns: Sequence[str], where: Console, *, heads: bool = True) -> None:
    """A line for each row, with as many of the columns as there is room for."""
    fitting = _fitting(rows, columns, where.width)
    table = _table(rows, fitting)
    table.show_header = heads
    _print(table, _least(rows, fitting), where)


def print_sheet(value: Row, where: Console) -> None:
    """A line, or more, for each field."""
    heads = max((len(_head(name)) for name in value), default=0) + GAP
    sheet = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, GAP, 0, 0))
    least = 0
    for name, each in value.items():
        if isinstance(each, list) and each and isinstance(each[0], dict):
            fitting = _fitting(each, list(each[0]), where.width - heads)
            least = max(least, _least(each, fitting))
            sheet.add_row(_head(name), _table(each, fitting))
        elif isinstance(each, list):
            sheet.add_row(_head(name), _plain("\n".join(map(str, each)) or "-"))
        else:
            text = _plain(_said_alone(name, each))
            least = max(least, text.cell_len if name in WHOLE else 0)
            sheet.add_row(_head(name), text)
    _print(sheet, heads + max(least, NARROWEST), where)


def _print(table: Table, least: int, where: Console) -> None:
    """Where the terminal is too narrow even for the names, it breaks the lines itself."""
    where.width = max(where.width, least)
    where.print(table)


def _fitting(rows: Sequence[Row], columns: Sequence[str], width: int) -> Sequence[str]:
    """As many of the columns as there is room for."""
    left = list(columns)
    wide = {name: max([len(_head(name)), *(_cell(name, row.get(name)).cell_len for row in rows)]) for name in columns}
    for spared in SPARED:
        if sum(wide[name] + GAP for name in left) - GAP <= width:
            break
        left = [name for name in left if name != spared]
    return left


def _least(rows: Sequence[Row], columns: Sequence[str]) -> int:
    """The cells that a table needs so that what is `WHOLE` is whole."""
    needed = 0
    for name in columns:
        cells = max([len(_head(name)), *(_cell(name, row.get(name)).cell_len for row in rows)])
        needed += (cells if name in WHOLE else min(cells, NARROWEST)) + GAP
    return max(0, needed - GAP)


def _table(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    table = Table(*map(_column, columns), box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in columns))
    return table


def _column(name: str) -> Column:
    return Column(_head(name), overflow="fold", no_wrap=name in WHOLE)


def _head(name: str) -> str:
    return name.removesuffix("_seconds").replace("_", " ")


def _plain(text: str) -> Text:
    """As it is: no markup, and nothing that a terminal would obey."""
    return Text(printable(text))


def _cell(name: str, value: object) -> Text:
    return _plain(_said(name, value))


def _said(name: str, value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool) and name == "held":
        return "held" if value else "-"
    if name.endswith(("bytes", "size")) and isinstance(value, int):
        return decimal(value)
    if name.endswith("_seconds") and isinstance(value, int | float):
        return length(value)
    if name.endswith("_at") and (moment := _moment(str(value))):
        return _ago(moment)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "-"
    return str(value)


def _said_alone(name: str, value: object) -> str:
    """In a sheet, where there is room for a time of its own."""
    if name.endswith("_at") and (moment := _moment(str(value))):
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({_said(name, value)})"
    return _said(name, value)


def _moment(text: str) -> datetime | None:
    """UTC; None for what is no time, or none that a calendar has."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def length(seconds: float) -> str:
    """A length of time in at most two units."""
    whole = int(seconds)
    for (unit, size), (smaller, step) in (
        (("d", 86_400), ("h", 3600)),
        (("h", 3600), ("m", 60)),
        (("m", 60), ("s", 1)),
    ):
        if whole >= size:
            rest = whole % size // step
            return f"{whole // size}{unit}{rest}{smaller}" if rest else f"{whole // size}{unit}"
    return f"{whole}s" if seconds >= 10 else f"{seconds:.1f}s"


def now() -> datetime:
    """What ages are counted from, UTC."""
    return datetime.now(UTC)


def _ago(moment: datetime) -> str:
    seconds = int((now() - moment).total_seconds())
    form = "{} ago" if seconds >= 0 else "in {}"
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if abs(seconds) >= 2 * size:
            return form.format(f"{abs(seconds) // size}{unit}")
    return form.format(f"{abs(seconds)}s")
