"""Results on standard output: a table for people, JSON or YAML for programs, from the same plain values."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

Row = dict[str, Any]
NAMES = ("name", "slug", "app", "id", "path", "volume")
"""The fields by which something is called, the first that there is."""


class Output(StrEnum):
    """What `-o` takes where one thing is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


class ListOutput(StrEnum):
    """What `-o` takes where there may be many."""

    TABLE = "table"
    WIDE = "wide"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


def show(
    value: Row | Sequence[Row], output: Output | ListOutput, columns: Sequence[str] = (), *, heads: bool = True
) -> None:
    """Prints one thing, or a list of things. `columns` chooses and orders what a table shows of a list, with `heads` or
    without; the wide one shows all."""
    if output == Output.JSON:
        print(json.dumps(value, indent=2, default=str))  # noqa: T201  # the result
    elif output == Output.YAML:
        # A tenth of a second where nobody wants it.
        import yaml

        print(yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False), end="")  # noqa: T201
    elif output == ListOutput.NAME:
        for row in [value] if isinstance(value, dict) else value:
            print(printable(next(str(row[name]) for name in NAMES if row.get(name))))  # noqa: T201
    else:
        _show_for_people(value, list(columns), wide=output == ListOutput.WIDE, heads=heads)


def printable(text: str) -> str:
    """The text without what a terminal would obey or cannot show: strangers may have written it."""
    return "".join(each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text)


def _show_for_people(value: Row | Sequence[Row], columns: list[str], *, wide: bool, heads: bool) -> None:
    from producers.cli import tables

    if isinstance(value, dict):
        tables.print_sheet(value, tables.console())
        return
    present = list(dict.fromkeys(name for row in value for name in row))
    if wide:
        columns = [*columns, *(name for name in present if name not in columns)]
    tables.print_list(value, columns or present, tables.console(wide), heads=heads)
