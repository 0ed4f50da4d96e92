"""Results on standard output: a table for people, JSON or YAML for programs, from the same plain values."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

Row = dict[str, Any]

SPARED = (
    *("changed_bytes", "uploaded_bytes", "volumes", "objects", "bytes", "snapshot_of", "scope", "errors", "pod"),
    *("size", "app", "backup"),
)
"""Columns of a list that are left out where the terminal is too narrow for all, in this order."""
GAP = 2
"""Between two columns."""


class Output(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def show(value: Row | Sequence[Row], output: Output, columns: Sequence[str] = ()) -> None:
    """Prints one thing, or a list of things. `columns` chooses and orders what a table shows of a list."""
    if output is Output.JSON:
        print(json.dumps(value, indent=2, default=str))  # noqa: T201  # the result
    elif output is Output.YAML:
        print(yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False), end="")  # noqa: T201
    elif isinstance(value, dict):
        console = _console()
        console.print(_sheet(value, console.width))
    else:
        console = _console()
        console.print(_table(value, _fitting(value, columns, console.width)))


def printable(text: str) -> str:
    """The text without what a terminal would obey or cannot show: strangers may have written it."""
    return "".join(each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    return console


def _fitting(rows: Sequence[Row], columns: Sequence[str], width: int) -> Sequence[str]:
    """As many of the columns as there is room for."""
    left = list(columns)
    wide = {name: max([len(name), *(_cell(name, row.get(name)).cell_len for row in rows)]) for name in columns}
    for spared in SPARED:
        if sum(wide[name] + GAP for name in left) - GAP <= width:
            break
        left = [name for name in left if name != spared]
    return left


def _table(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    names = list(columns) or list(rows[0] if rows else [])
    table = Table(*map(_column, names), box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in names))
    return table


def _column(name: str) -> Column:
    """Where there is no room for all, names stay whole, and the others go on in the next line."""
    return Column(name.replace("_", " "), overflow="fold", no_wrap=name == "name")


def _sheet(value: Row, width: int) -> Table:
    room = width - max(map(len, value), default=0) - GAP
    sheet = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for name, each in value.items():
        if isinstance(each, list) and each and isinstance(each[0], dict):
            sheet.add_row(name.replace("_", " "), _table(each, _fitting(each, list(each[0]), room)))
        elif isinstance(each, list):
            sheet.add_row(name.replace("_", " "), _plain("\n".join(map(str, each)) or "-"))
        else:
            sheet.add_row(name.replace("_", " "), _cell(name, each))
    return sheet


def _plain(text: str) -> Text:
    """As it is: no markup, and nothing that a terminal would obey."""
    return Text(printable(text))


def _cell(name: str, value: Any) -> Text:
    return _plain(_said(name, value))


def _said(name: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    if name.endswith(("bytes", "size")) and isinstance(value, int):
        return decimal(value)
    if name.endswith("_at"):
        return f"{_ago(datetime.fromisoformat(str(value)))} ago"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def _ago(moment: datetime) -> str:
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
