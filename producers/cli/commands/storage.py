"""`snapline storage`: where backups go."""

import sys
import uuid
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError

from producers.actions.objects import apply
from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from schemas import destination as destinations
from schemas.destination import Destination, S3Destination
from schemas.errors import Invalid
from schemas.events import explain
from schemas.kubernetes import SECRETS
from workers.adapters import configured
from workers.adapters.stores.check import check

storage = typer.Typer(no_args_is_help=True, help="Where backups go.")


@storage.command("set")
def set_(
    bucket: Annotated[str, typer.Option(help="Name of the bucket.")],
    endpoint: Annotated[str, typer.Option(help="URL of the S3 server; without it, AWS.")] = "",
    region: Annotated[str, typer.Option(help="Region of the bucket.")] = "us-east-1",
    prefix: Annotated[str, typer.Option(help="Prefix of all keys.")] = "",
    access_key_id: Annotated[str, typer.Option(help="Access key; without it, the instance's role.")] = "",
    no_check: Annotated[bool, typer.Option(help="Store it without trying it.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Store the destination in the cluster. Secret key and passphrase come on standard input, a line each."""
    lines = _two_lines()
    try:
        chosen = S3Destination(
            bucket=bucket,
            endpoint=endpoint,
            region=region,
            prefix=prefix,
            access_key_id=access_key_id,
            secret_access_key=SecretStr(lines[0]),
            passphrase=SecretStr(lines[1]),
        )
    except ValidationError as error:
        raise Invalid(explain(error)) from error
    if not no_check and not _checked(chosen, output):
        raise typer.Exit(Exit.FAILED)
    apply(context.cluster(), SECRETS, destinations.to_secret(chosen, context.settings().console_namespace))
    context.notes.print("the destination is stored")


@storage.command("show")
def show_(output: OutputOption = Output.TABLE) -> None:
    """The destination in use, without its secrets."""
    chosen = configured.destination(context.settings(), context.cluster)
    row = chosen.model_dump(exclude={"secret_access_key", "passphrase"})
    show(row | {"passphrase_is_set": bool(chosen.passphrase.get_secret_value())}, output)


@storage.command("check")
def check_(output: OutputOption = Output.TABLE) -> None:
    """Try all that Snapline needs of the destination."""
    if not _checked(configured.destination(context.settings(), context.cluster), output):
        raise typer.Exit(Exit.FAILED)


def _checked(chosen: Destination, output: Output) -> bool:
    checks = list(check(configured.store(chosen), uuid.uuid4().hex))
    show([{"check": each.what, "ok": each.ok, "detail": each.detail} for each in checks], output)
    return all(each.ok for each in checks)


def _two_lines() -> tuple[str, str]:
    if sys.stdin.isatty():
        secret = typer.prompt("Secret access key", hide_input=True, default="", show_default=False, err=True)
        return secret, typer.prompt("Repository passphrase", hide_input=True, err=True)
    lines = [*sys.stdin.read().splitlines(), "", ""]
    return lines[0], lines[1]
