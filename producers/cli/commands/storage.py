"""`snapline storage`: where backups go."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from producers.actions import destinations as actions
from producers.cli import rows
from producers.cli.context import OutputOption, note, session_of, typed_in
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from producers.session import Session
from producers.views import destinations as views
from schemas.destination import Destination
from schemas.events import DEFAULT_DESTINATION, THE_DEFAULT
from workers.ports import ObjectStore

storage = typer.Typer(no_args_is_help=True, help="Where backups go.")
setting = typer.Typer(
    no_args_is_help=True, help="Store a destination in the cluster, or change it; secrets come on standard input."
)
storage.add_typer(setting, name="set")

Name = Annotated[str, typer.Argument(help="Name of the destination; without it, the default one.")]
NameOption = Annotated[str, typer.Option(help="Name of the destination.")]
Prefix = Annotated[str | None, typer.Option(help="Prefix of all keys.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Store it without trying it.")]


@setting.command("s3")
def set_s3(
    ctx: typer.Context,
    bucket: Annotated[str | None, typer.Option(help="Name of the bucket.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    endpoint: Annotated[str | None, typer.Option(help="URL of the S3 server; without it, AWS.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the bucket; us-east-1 at first.")] = None,
    prefix: Prefix = None,
    access_key_id: Annotated[str | None, typer.Option(help="Access key; without it, the instance's role.")] = None,
    no_check: NoCheck = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A bucket. Secret key and passphrase come on standard input, a line each. What is not given stays as it was."""
    given = {
        "bucket": bucket,
        "endpoint": endpoint,
        "region": region,
        "prefix": prefix,
        "access_key_id": access_key_id,
        **_secrets({"secret_access_key": "Secret access key", "passphrase": "Repository passphrase"}),
    }
    session = session_of(ctx)
    _keep(session, actions.changed(session, "s3", name, given), no_check, output)


@setting.command("directory")
def set_directory(
    ctx: typer.Context,
    path: Annotated[str | None, typer.Option(help="Where every worker mounts it.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    prefix: Prefix = None,
    no_check: NoCheck = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A mounted directory (NFS, a disk). The passphrase comes on standard input. What is not given stays as it was."""
    given = {"path": path, "prefix": prefix, **_secrets({"passphrase": "Repository passphrase"})}
    session = session_of(ctx)
    _keep(session, actions.changed(session, "directory", name, given), no_check, output)


@storage.command("list")
def list_(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """All destinations, without their secrets."""
    show([rows.destination(each) for each in views.destinations(session_of(ctx))], output)


@storage.command("show")
def show_(ctx: typer.Context, name: Name = THE_DEFAULT, output: OutputOption = Output.TABLE) -> None:
    """One destination, without its secrets."""
    show(views.fields(session_of(ctx).destination(name)), output)


@storage.command("check")
def check_(ctx: typer.Context, name: Name = THE_DEFAULT, output: OutputOption = Output.TABLE) -> None:
    """Try all that Snapline needs of a destination."""
    if not _checked(session_of(ctx).store(name), output):
        raise typer.Exit(Exit.FAILED)


@storage.command("set-default")
def set_default(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Name of the destination.")]) -> None:
    """Make a destination the default: what names none goes there from now on."""
    actions.set_default(session_of(ctx), name)
    note(f"backups that name no destination go to {name} from now on; those that are there stay where they are")


@storage.command("remove")
def remove_(ctx: typer.Context, name: Name) -> None:
    """Forget a destination. The backups in it stay."""
    actions.forget(session_of(ctx), name)
    note("the destination is forgotten; its backups are where they were")


def _keep(session: Session, chosen: Destination, no_check: bool, output: Output) -> None:
    """Tries it, opens the repository that is there, and only then stores it."""
    if no_check:
        show(views.fields(chosen), output)
    else:
        if not _checked(session.open_store(chosen), output):
            raise typer.Exit(Exit.FAILED)
        from producers.actions import keys  # a third of a second, for the repository's code

        if not keys.opens(session, chosen):
            note("there is no repository yet: `snapline repository init`, or the first backup, makes it")
    actions.keep(session, chosen)
    note("the destination is stored")
    if views.is_given(session.settings, chosen.name):
        note("but here the environment gives another one, which counts before it")


def _checked(store: ObjectStore, output: Output) -> bool:
    checks = list(actions.try_out(store))
    show([asdict(each) for each in checks], output)
    return all(each.ok for each in checks)


def _secrets(prompts: Mapping[str, str]) -> dict[str, str]:
    """What is asked for, or the lines of standard input in that order."""
    if sys.stdin.isatty():
        return {
            field: typer.prompt(
                f"{prompt} (nothing keeps what is stored)", hide_input=True, default="", show_default=False, err=True
            )
            for field, prompt in prompts.items()
        }
    lines = [*typed_in().splitlines(), *[""] * len(prompts)]
    return dict(zip(prompts, lines, strict=False))
