"""`snapline files`: looks into a backup, and takes single files out of it."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from producers.cli import rows
from producers.cli.bars import work_bar
from producers.cli.context import DestinationOption, ListOutputOption, OutputOption, note, notes, session_of
from producers.cli.exits import Exit
from producers.cli.render import ListOutput, Output, Row, show
from producers.views.volumes import volumes
from schemas.events import THE_DEFAULT
from workers.ports import Progress, RestoreSlice

# The actions are imported when one is called: the repository's code takes a third of a second.
if TYPE_CHECKING:
    from workers.repository.restore.file_listing import Listed

files = typer.Typer(no_args_is_help=True, help="Look into a backup, and take single files out of it.")
Backup = Annotated[str, typer.Argument(help="Name of the backup.")]
Volume = Annotated[str, typer.Argument(help="NAMESPACE/CLAIM, or CLAIM alone; `files ls BACKUP` lists them.")]
COLUMNS = ("mode", "uid", "gid", "size", "modified_at", "kind", "path", "target")


@files.command("ls")
def ls_(
    ctx: typer.Context,
    backup: Backup,
    volume: Annotated[str, typer.Argument(help="A volume; without it, the backup's volumes.")] = "",
    path: Annotated[str, typer.Argument(help="Within the volume.")] = "",
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="All that is below, too.")] = False,
    destination: DestinationOption = THE_DEFAULT,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """List the volumes of a backup, or what is in one of them."""
    session = session_of(ctx)
    if not volume:
        show([rows.volume_of_files(each) for each in volumes(session.store(destination), backup)], output)
        return
    from producers.actions import files as actions

    found = actions.ls(session, backup, volume, path, recursive=recursive, destination=destination)
    show([row(each) for each in sorted(found, key=lambda each: each.path)], output, COLUMNS)


@files.command("find")
def find_(
    ctx: typer.Context,
    backup: Backup,
    pattern: Annotated[str, typer.Argument(help="Of a name or a whole path, as in a shell: '*.conf'.")],
    volume: Annotated[str | None, typer.Option(help="Only in this volume.")] = None,
    destination: DestinationOption = THE_DEFAULT,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """Find files and directories of a backup by their names."""
    from producers.actions import files as actions

    found = actions.find(session_of(ctx), backup, pattern, volume, destination=destination)
    show([{"volume": key, **row(each)} for key, each in found], output, ("volume", *COLUMNS))


@files.command("diff")
def diff_(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="BACKUP", help="Name of the earlier backup.")],
    after: Annotated[str, typer.Argument(metavar="BACKUP", help="Name of the later one.")],
    volume: Annotated[str | None, typer.Option(help="Only in this volume.")] = None,
    destination: DestinationOption = THE_DEFAULT,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """What differs between the files of two backups."""
    from producers.actions import files as actions

    found = actions.diff(session_of(ctx), before, after, volume, destination=destination)
    rows_ = [{"what": each.what, "volume": key, **asdict(each), "fields": list(each.fields)} for key, each in found]
    show(rows_, output, ("what", "size", "fields", "volume", "path"))


@files.command("cat")
def cat_(
    ctx: typer.Context,
    backup: Backup,
    volume: Volume,
    path: Annotated[str, typer.Argument(help="A file.")],
    destination: DestinationOption = THE_DEFAULT,
) -> None:
    """Write a file's content to standard output."""
    from producers.actions import files as actions

    for data in actions.cat(session_of(ctx), backup, volume, path, destination=destination):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@files.command("restore")
def restore_(
    ctx: typer.Context,
    backup: Backup,
    volume: Volume,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and directories; `/` is all.")],
    target: Annotated[Path, typer.Option(help="A directory; what is in it otherwise stays.")],
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write files and directories of a volume below a directory of this machine."""
    from producers.actions import files as actions

    with work_bar(notes) as bar:

        def progress(reached: Progress) -> None:
            bar("restoring bytes", reached.bytes_done, reached.bytes_total)

        done = actions.restore(
            session_of(ctx), backup, volume, paths, target, destination=destination, progress=progress
        )
    _report(done, output)


def row(listed: "Listed") -> Row:
    """As in a list, with the time as UTC, too."""
    return asdict(listed) | {"modified_at": None if listed.mtime is None else _moment(listed.mtime)}


def _moment(nanoseconds: int) -> str:
    """What files say may be any number; a time that no calendar has is told as it is."""
    try:
        return datetime.fromtimestamp(nanoseconds // 10**9, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{nanoseconds // 10**9} s after 1970"


def _report(done: RestoreSlice, output: Output) -> None:
    show({"files": done.files, "bytes": done.bytes, "lost": list(done.lost), "warnings": list(done.warnings)}, output)
    if done.lost:
        note(f"{len(done.lost)} paths could not be restored; all others are there")
        raise typer.Exit(Exit.PARTIALLY_FAILED)
