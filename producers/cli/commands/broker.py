"""`snapline broker`: what is to be on RabbitMQ."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from producers.cli.context import OutputOption, typed_in
from producers.cli.render import Output, show
from schemas import broker_definitions
from schemas.errors import Invalid, NotFound
from schemas.services import services

broker = typer.Typer(no_args_is_help=True, help="What is to be on RabbitMQ.")
Nodes = Annotated[list[str] | None, typer.Option("--node", help="A node with a volume worker; may be repeated.")]
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
    if users is not None and missing and not accounts:
        raise Invalid(f"there is no password for {', '.join(missing)}; with --accounts, these users are there already")
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


def _passwords(file: str) -> dict[str, str]:
    """Raises Invalid, without what is in it."""
    try:
        said = yaml.safe_load(typed_in() if file == "-" else Path(file).read_text())
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (yaml.YAMLError, OSError, ValueError, RecursionError):
        raise Invalid(f"{file} is neither JSON nor YAML") from None
    if not isinstance(said, dict) or not all(isinstance(each, str) and each for pair in said.items() for each in pair):
        raise Invalid(f"{file} is to have a password for each user, all of them text")
    return said
