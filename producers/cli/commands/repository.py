"""`snapline repository`: whether everything is there and whole, and how much room it takes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from producers.cli import reclaimed
from producers.cli.bars import work_bar
from producers.cli.commands.repository_keys import init, keys
from producers.cli.context import DestinationOption, OutputOption, note, notes, session_of
from producers.cli.exits import Exit
from producers.cli.remedies import with_remedy
from producers.cli.render import Output, show
from schemas.errors import Damaged, Invalid
from schemas.events import THE_DEFAULT

# The actions are imported when one is called: the repository's code takes a third of a second.
if TYPE_CHECKING:
    from workers.repository.upkeep.check import Problem

repository = typer.Typer(no_args_is_help=True, help="The volume repository: make, check, verify, prune.")
repository.command("init")(init)
repository.add_typer(keys, name="key")


@repository.command("check")
def check_(
    ctx: typer.Context, destination: DestinationOption = THE_DEFAULT, output: OutputOption = Output.TABLE
) -> None:
    """Whether everything that backups need is there; reads no contents."""
    from producers.actions import upkeep

    with work_bar(notes) as bar:
        problems = upkeep.check(session_of(ctx), destination=destination, progress=bar)
    _report({}, problems, output)


@repository.command("verify")
def verify_(
    ctx: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Read no contents, as `check`.")] = False,
    sample: Annotated[
        float | None, typer.Option(help="Percent of the packs, going on where the last sample ended.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything; this is the default.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read contents back, and say which backups and files are hurt by what is damaged."""
    from producers.actions import upkeep

    if quick + full + (sample is not None) > 1:
        raise Invalid("give one of --quick, --sample and --full")
    if sample is not None and not 0 < sample <= 100:
        raise Invalid(f"--sample is a percentage above 0 and up to 100, not {sample:g}")
    with work_bar(notes) as bar:
        found = upkeep.verify(session_of(ctx), 0 if quick else sample or 100, destination=destination, progress=bar)
    read = {"packs": found.packs, "packs_total": found.packs_total, "read_bytes": found.bytes}
    _report(read, found.problems, output)


@repository.command("prune")
def prune_(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say about what would come back.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete what no backup needs. Backups may run meanwhile."""
    from producers.actions import upkeep

    with work_bar(notes) as bar:
        act = upkeep.foresee if dry_run else upkeep.prune
        pruned = act(session_of(ctx), destination=destination, progress=bar)
    if dry_run:
        note("nothing is deleted; a prune would bring back about as much")
    show(reclaimed.row(pruned), output)
    reclaimed.say_what_stays(pruned)


@repository.command("stats")
def stats_(
    ctx: typer.Context, destination: DestinationOption = THE_DEFAULT, output: OutputOption = Output.TABLE
) -> None:
    """How much there is."""
    from producers.actions import upkeep

    show(asdict(upkeep.stats(session_of(ctx), destination=destination)), output)


@repository.command("repair-index")
def repair_index_(
    ctx: typer.Context, destination: DestinationOption = THE_DEFAULT, output: OutputOption = Output.TABLE
) -> None:
    """Make the index anew from the packs that are there."""
    from producers.actions import upkeep

    with work_bar(notes) as bar:
        done = upkeep.repair_index(session_of(ctx), destination=destination, progress=bar)
    show(asdict(done), output)
    if done.unreadable:
        raise typer.Exit(Exit.FAILED)


def _report(facts: dict[str, int], problems: "Sequence[Problem]", output: Output) -> None:
    for each in problems:
        if each.harmless:
            note(f"{each.what}; no backup lacks anything, and the next `snapline repository prune` clears up")
    problems = [each for each in problems if not each.harmless]
    shown = [{"code": each.code, "problem": each.what, "hurts": each.hurts, "more": each.more} for each in problems]
    table = [with_remedy(Damaged(str(each), code=each.code)) for each in problems]
    show({**facts, "problems": shown if output is not Output.TABLE else table}, output)
    if problems:
        raise typer.Exit(Exit.FAILED)
