"""A group of commands whose modules are imported when one of them is wanted: saying what there is costs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class Entry:
    """A command: `place` is `module:name` of a Typer or of a function, `help` what the list says of it. What is
    `hidden` works, and is in no list."""

    place: str
    help: str = ""
    hidden: bool = False


class WholeGroup(TyperGroup):
    """A group in whose help no sentence is cut."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help."""
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            lines = [(name, each.get_short_help_str(limit=1000)) for name, each in shown if not each.hidden]
            formatter.write_dl(lines, col_max=20)


class LazyGroup(TyperGroup):
    """Its commands are those of `table`, in that order."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # click's signature
        """The names of all that are not hidden."""
        return [name for name, entry in self.table.items() if not entry.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # click's signature
        """The command of that name; None if there is none."""
        entry = self.table.get(cmd_name)
        return load(cmd_name, entry) if entry else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name].help) for name in self.list_commands(ctx)], col_max=20)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """What may come in place of the first word."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from typer._click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name, help=self.table[name].help) for name in names]


def _say_all(found: typer.Typer) -> None:
    found.info.cls = WholeGroup
    for group in found.registered_groups:
        group.cls = WholeGroup
        if group.typer_instance is not None:
            _say_all(group.typer_instance)


def load(name: str, entry: Entry) -> Any:
    """The command itself."""
    module, _, attribute = entry.place.partition(":")
    found = getattr(import_module(module), attribute)
    is_group = isinstance(found, typer.Typer)
    group = found if is_group else typer.Typer()
    if not is_group:
        group.command(name)(found)
    group._add_completion, group.rich_markup_mode = False, None  # as of the group above
    _say_all(group)
    command: Any = get_group(group) if is_group else get_command(group)
    command.name = name
    return command
