"""`snapline app`: registers applications."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from producers.actions.objects import apply
from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.render import Output, Row, show
from schemas import application, license
from schemas.application import Application
from schemas.errors import Invalid, NotFound
from schemas.events import explain
from schemas.kubernetes import SECRETS
from schemas.velero import parse_backup

app = typer.Typer(no_args_is_help=True, help="Register applications: their licenses and Backup resources.")
File = Path
Slug = Annotated[str, typer.Argument(help="The application's slug, as in the label kots.io/app-slug.")]


@app.command("add")
def add(
    slug: Slug,
    license_file: Annotated[File, typer.Option("--license", help="The kots.io License, YAML.")],
    backup_file: Annotated[File | None, typer.Option("--backup", help="The velero.io Backup that it ships.")] = None,
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    version: Annotated[str, typer.Option(help="Version that is installed.")] = "",
    sequence: Annotated[int, typer.Option(help="Release sequence that is installed.")] = 0,
    namespace: Annotated[list[str] | None, typer.Option(help="A namespace of it; may be repeated.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Register an application, or change its registration."""
    backup = _read(backup_file) if backup_file else None
    if backup:
        parse_backup(backup)
    try:
        registered = Application(
            slug=slug,
            name=name or slug,
            version=version,
            sequence=sequence,
            namespaces=namespace or [],
            license=_read(license_file),
            backup=backup,
        )
    except ValidationError as error:
        raise Invalid(explain(error)) from error
    apply(context.cluster(), SECRETS, application.to_secret(registered, context.settings().console_namespace))
    show(_row(registered, _trusted()), output)


@app.command("remove")
def remove(slug: Slug) -> None:
    """Forget an application. Its backups stay."""
    namespace = context.settings().console_namespace
    context.cluster().get(SECRETS, namespace, application.secret_name(slug))
    context.cluster().delete(SECRETS, namespace, application.secret_name(slug))
    context.notes.print(f"{slug} is no longer registered")


def app_rows() -> list[Row]:
    """All registered applications."""
    trusted = _trusted()
    found = context.cluster().list(SECRETS, context.settings().console_namespace, application.LABEL)
    rows = []
    for secret in found:
        try:
            rows.append(_row(application.from_secret(secret), trusted))
        except Invalid as error:
            rows.append({"slug": secret["metadata"]["name"], "snapshots": f"unreadable: {error}"})
    return sorted(rows, key=lambda row: str(row["slug"]))


def _row(registered: Application, trusted: Mapping[str, bytes] | None) -> Row:
    row: dict[str, Any] = {
        "slug": registered.slug,
        "name": registered.name,
        "version": registered.version,
        "namespaces": registered.namespaces,
        "backup_resource": bool(registered.backup),
    }
    if trusted is None:
        return row | {"snapshots": "unknown: SNAPLINE_LICENSE_KEYS is not set"}
    verdict = license.verdict(registered.license, trusted, datetime.now(UTC), registered.slug)
    return row | {"snapshots": "allowed" if verdict.allowed else f"{verdict.code}: {verdict.reason}"}


def _trusted() -> Mapping[str, bytes] | None:
    folder = context.settings().license_keys
    if folder is None:
        return None
    return license.load_trusted_keys({file.name: file.read_bytes() for file in sorted(folder.glob("*.pem"))})


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"could not read {file}: {error}") from error
