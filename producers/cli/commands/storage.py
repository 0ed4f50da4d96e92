"""`snapline storage`: where backups go."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from producers.actions import destinations as actions
from producers.cli import rows
from producers.cli.commands.destination_set import setting
from producers.cli.context import OutputOption, note, session_of
from producers.cli.destination_options import tried
from producers.cli.render import Output, printable, show
from producers.views import destinations as views
from schemas.events import THE_DEFAULT

if TYPE_CHECKING:
    from producers.views.destinations.mounting import MountStep

storage = typer.Typer(no_args_is_help=True, help="Where backups go.")
storage.add_typer(setting, name="configure")
storage.add_typer(setting, name="set", hidden=True)

Name = Annotated[str, typer.Argument(help="Name of the destination; without it, the default one.")]
Named = Annotated[str, typer.Argument(help="Name of the destination.")]
Mount = Annotated[bool, typer.Option("--mount", help="Say instead how every worker comes to see a directory.")]


@storage.command("list")
def list_(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """All destinations, without their secrets."""
    show([rows.destination(each) for each in views.destinations(session_of(ctx))], output)


@storage.command("show")
def show_(
    ctx: typer.Context, name: Name = THE_DEFAULT, mount: Mount = False, output: OutputOption = Output.TABLE
) -> None:
    """One destination, without its secrets; or how it is mounted."""
    session = session_of(ctx)
    described = actions.described(session, name)
    if mount:
        from producers.views.destinations.mounting import steps

        say_steps(steps(described), output)
    else:
        show(views.fields(described), output)


@storage.command("check")
def check_(ctx: typer.Context, name: Name = THE_DEFAULT, output: OutputOption = Output.TABLE) -> None:
    """Try all that Snapline needs of a destination."""
    session = session_of(ctx)
    tried(session, actions.described(session, name), output)


@storage.command("set-default")
def set_default(ctx: typer.Context, name: Named) -> None:
    """Make a destination the default: what names none goes there from now on."""
    actions.set_default(session_of(ctx), name)
    note(f"backups that name no destination go to {name} from now on; those that are there stay where they are")


@storage.command("remove")
def remove_(
    ctx: typer.Context,
    name: Named,
    force: Annotated[bool, typer.Option("--force", help="Also while jobs run there, or it is the default.")] = False,
) -> None:
    """Forget a destination. The backups in it stay."""
    actions.forget(session_of(ctx), name, force=force)
    note("the destination is forgotten; its backups are where they were")


def say_steps(steps: "list[MountStep]", output: Output) -> None:
    """For people as text to copy, for programs as it is."""
    if output is not Output.TABLE:
        show([asdict(each) for each in steps], output)
        return
    print(printable("\n".join(f"# {each.step}\n{each.text}" for each in steps)), end="")  # noqa: T201  # to copy or to pipe
