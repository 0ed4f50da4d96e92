"""`snapline broker`: what is to be on RabbitMQ."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from producers.cli.context import OutputOption, note, session_of, typed_in
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from producers.session import Session
from schemas import broker_definitions
from schemas.errors import Invalid, NotFound
from schemas.services import services
from schemas.topology import NODE_QUEUE_PREFIX

if TYPE_CHECKING:
    from workers.adapters.broker.migrating import Difference, Done, Management

broker = typer.Typer(no_args_is_help=True, help="What is to be on RabbitMQ.")
Nodes = Annotated[list[str] | None, typer.Option("--node", help="A node with a volume worker; may be repeated.")]
ManagementUrl = Annotated[
    str | None,
    typer.Option("--management", metavar="URL", help="RabbitMQ's management, such as https://rabbitmq:15671."),
]
NOT_LOOKED_AT = "without --management, bindings, policies, rights and queues that nobody wants were not looked at"
Vhost = Annotated[str, typer.Option(help="The virtual host.")]


@broker.command("definitions")
def definitions(
    nodes: Nodes = None,
    vhost: Vhost = "/",
    accounts: Annotated[bool, typer.Option("--accounts", help="Also what each service's user may do.")] = False,
    any_node: Annotated[bool, typer.Option("--any-node", help="Also a user for the workers of all nodes.")] = False,
    passwords: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Passwords by user, JSON or YAML; `-` is standard input. Makes them."),
    ] = None,
    members: Annotated[int, typer.Option(min=0, help="How many nodes of a RabbitMQ cluster keep a queue.")] = 0,
    output: OutputOption = Output.JSON,
) -> None:
    """Print all that is to be on RabbitMQ, for `rabbitmqctl import_definitions`."""
    named = tuple(nodes or ())
    users = None if passwords is None else _passwords(passwords)
    missing = sorted({*services(named, any_node=any_node)} - {*(users or ())})
    listed = ", ".join(missing)
    if users is not None and missing and not accounts:
        raise Invalid(f"there is no password for {listed:.500}; with --accounts, these users are there already")
    made = broker_definitions.definitions(
        vhost,
        named,
        accounts=accounts or users is not None,
        any_node=any_node,
        passwords=users,
        members=members,
    )
    if output is Output.YAML:
        show(made, output)
    else:
        print(broker_definitions.text(made), end="")  # noqa: T201  # the result


@broker.command("check")
def check(
    ctx: typer.Context, nodes: Nodes = None, management: ManagementUrl = None, output: OutputOption = Output.TABLE
) -> None:
    """Say what on RabbitMQ is not as it is to be; exit code 1 if anything is not. Changes nothing."""
    found = _differences(session_of(ctx), nodes, management)
    show([asdict(each) for each in found], output)
    if management is None:
        note(NOT_LOOKED_AT)
    if found:
        raise typer.Exit(Exit.FAILED)


@broker.command("migrate")
def migrate(
    ctx: typer.Context,
    nodes: Nodes = None,
    management: ManagementUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what differs, as `check` does.")] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the workers of a queue to stop that has to be replaced.")
    ] = 60,
    output: OutputOption = Output.TABLE,
) -> None:
    """Bring RabbitMQ over to what is to be on it. No message is lost, also if this is killed; then run it again."""
    session = session_of(ctx)
    done = [] if dry_run else list(_migrated(session, nodes, management, patience))
    left = _differences(session, nodes, management)
    show({"done": [asdict(each) for each in done], "left": [asdict(each) for each in left]}, output)
    if management is None:
        note(NOT_LOOKED_AT)
    if left:
        raise typer.Exit(Exit.FAILED)


def _differences(session: Session, nodes: list[str] | None, management: str | None) -> list["Difference"]:
    from workers.adapters.broker import migrating

    return migrating.check(session.settings.broker_url, _nodes(session, nodes), _management(session, management))


def _migrated(session: Session, nodes: list[str] | None, management: str | None, patience: float) -> Iterator["Done"]:
    from workers.adapters.broker import connection, migrating, signatures

    def now() -> datetime:
        return datetime.now(UTC)

    url = session.settings.broker_url
    trust = migrating.Trust(connection.user(url), session.rights, signatures.signatures(session.settings, now))
    for each in migrating.migrate(url, _nodes(session, nodes), trust, _management(session, management), patience):
        note(f"{each.kind} {each.name}: {each.action}" + (f", {each.moved} messages moved" if each.moved else ""))
        yield each


def _management(session: Session, url: str | None) -> "Management | None":
    from workers.adapters.broker import migrating

    return migrating.Management(url, session.settings.broker_url) if url is not None else None


def _nodes(session: Session, given: list[str] | None) -> tuple[str, ...]:
    """Those given, else those whose workers have users of their own."""
    if given:
        return tuple(given)
    return tuple(name.removeprefix(NODE_QUEUE_PREFIX) for name in session.rights.node_queues)


def _passwords(file: str) -> dict[str, str]:
    """Raises Invalid, without what is in it."""
    try:
        said = yaml.safe_load(typed_in() if file == "-" else Path(file).read_text())
    except FileNotFoundError:
        raise NotFound(f"there is no file {file:.200}") from None
    except (yaml.YAMLError, OSError, ValueError, RecursionError):
        raise Invalid(f"{file:.200} is neither JSON nor YAML") from None
    if not isinstance(said, dict) or not all(isinstance(each, str) and each for pair in said.items() for each in pair):
        raise Invalid(f"{file:.200} is to have a password for each user, all of them text")
    return said
