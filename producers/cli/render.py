"""Results on standard output: a table for people, JSON or YAML for programs, from the same plain values."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

Row = dict[str, Any]


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
        _console().print(_sheet(value))
    else:
        _console().print(_table(value, columns))


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    return console


def _table(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    names = list(columns) or list(rows[0] if rows else [])
    table = Table(*(name.replace("_", " ") for name in names), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(name, row.get(name)) for name in names))
    return table


def _sheet(value: Row) -> Table:
    sheet = Table.grid(padding=(0, 2))
    for name, each in value.items():
        if isinstance(each, list) and each and isinstance(each[0], dict):
            sheet.add_row(name.replace("_", " "), _table(each, ()))
        elif isinstance(each, list):
            sheet.add_row(name.replace("_", " "), "\n".join(map(str, each)) or "-")
        else:
            sheet.add_row(name.replace("_", " "), _cell(name, each))
    return sheet


def _cell(name: str, value: Any) -> str:
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
