"""`snapline app`: registers applications."""

from pathlib import Path
from typing import Annotated

import typer

from producers.actions import applications
from producers.cli import rows
from producers.cli.context import OutputOption, note, session_of
from producers.cli.render import Output, show
from schemas.errors import Invalid, NotFound

app = typer.Typer(no_args_is_help=True, help="Register applications: their licenses and Backup resources.")
File = Path
Slug = Annotated[str, typer.Argument(help="The application's slug, as in the label kots.io/app-slug.")]


@app.command("add")
def add(
    ctx: typer.Context,
    slug: Slug,
    license_file: Annotated[File | None, typer.Option("--license", help="The kots.io License, YAML.")] = None,
    backup_file: Annotated[File | None, typer.Option("--backup", help="The velero.io Backup that it ships.")] = None,
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    version: Annotated[str | None, typer.Option(help="Version that is installed.")] = None,
    sequence: Annotated[int | None, typer.Option(help="Release sequence that is installed.")] = None,
    namespace: Annotated[list[str] | None, typer.Option(help="A namespace of it; may be repeated.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take a license that allows no snapshots: backups will be rejected.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Register an application, or change its registration: what is not given stays as it was."""
    backup = _read(backup_file) if backup_file else None
    registered = applications.register(
        session_of(ctx),
        slug,
        license=_read(license_file) if license_file else None,
        backup=backup,
        name=name,
        version=version,
        sequence=sequence,
        namespaces=namespace,
        force=force,
    )
    for warning in applications.without_effect(slug, backup) if backup else ():
        note(str(warning))
    show(rows.application(registered), output)


@app.command("remove")
def remove(ctx: typer.Context, slug: Slug) -> None:
    """Forget an application. Its backups stay."""
    applications.forget(session_of(ctx), slug)
    note(f"{slug} is no longer registered")


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"could not read {file}: {error}") from error
