"""`snapline files`: looks into a backup, and takes single files out of it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from producers.cli import context
from producers.cli.bars import work_bar
from producers.cli.context import OutputOption
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from producers.views import volumes
from schemas.errors import Invalid
from workers.ports import Progress, RestoreSlice

files = typer.Typer(no_args_is_help=True, help="Look into a backup, and take single files out of it.")
Backup = Annotated[str, typer.Argument(help="Name of the backup.")]
Volume = Annotated[str, typer.Argument(help="NAMESPACE/CLAIM, or CLAIM alone; `files ls BACKUP` lists them.")]
COLUMNS = ("mode", "uid", "gid", "size", "modified_at", "kind", "path", "target")


@files.command("ls")
def ls_(
    backup: Backup,
    volume: Annotated[str, typer.Argument(help="A volume; without it, the backup's volumes.")] = "",
    path: Annotated[str, typer.Argument(help="Within the volume.")] = "",
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="All that is below, too.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the volumes of a backup, or what is in one of them."""
    record = volumes.backup(context.store(), backup)
    if not volume:
        kept = ("pod", "scanned_bytes", "files")
        rows = [{"volume": one.key} | {key: getattr(one, key) for key in kept} for one in record.volumes]
        show(rows, output)
        return
    from workers.repository.restore import single_files as inside

    with context.repository().new_view() as view:
        id_ = volumes.volume_of(record, volume).volume_id
        listed = [inside.as_row(each) for each in inside.ls(view, id_, os.fsencode(path), recursive=recursive)]
    show(listed, output, COLUMNS)


@files.command("cat")
def cat_(backup: Backup, volume: Volume, path: Annotated[str, typer.Argument(help="A file.")]) -> None:
    """Write a file's content to standard output."""
    from workers.repository.restore import single_files as inside

    id_ = volumes.volume_of(volumes.backup(context.store(), backup), volume).volume_id
    with context.repository().new_view() as view:
        for data in inside.cat(view, id_, os.fsencode(path)):
            sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@files.command("restore")
def restore_(
    backup: Backup,
    volume: Volume,
    paths: Annotated[list[str], typer.Argument(help="Files and directories; `/` is all.")],
    target: Annotated[Path, typer.Option(help="A directory; what is in it otherwise stays.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Write files and directories of a volume below a directory of this machine."""
    from workers.repository.restore import single_files as inside

    id_ = volumes.volume_of(volumes.backup(context.store(), backup), volume).volume_id
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{target} cannot be written to: {error.strerror}") from error
    with context.repository().new_view() as view, work_bar(context.notes) as bar:

        def progress(reached: Progress) -> None:
            bar("restoring bytes", reached.bytes_done, reached.bytes_total)

        done = inside.restore(view, id_, [os.fsencode(path) for path in paths], target, progress)
    _report(done, output)


def _report(done: RestoreSlice, output: Output) -> None:
    show({"files": done.files, "bytes": done.bytes, "lost": list(done.lost), "warnings": list(done.warnings)}, output)
    if done.lost:
        context.notes.print(f"{len(done.lost)} paths could not be restored; all others are there", markup=False)
        raise typer.Exit(Exit.PARTIALLY_FAILED)
