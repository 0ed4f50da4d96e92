"""`snapline repository init` and `repository key`: who can open it. Passphrases come on standard input."""

import sys
from typing import Annotated

import typer
from pydantic import SecretStr

from producers.actions import destinations as actions
from producers.cli import context
from producers.cli.context import OutputOption
from producers.cli.render import Output, show
from schemas.errors import Invalid, NotFound
from workers.ports import ObjectStore

keys = typer.Typer(no_args_is_help=True, help="The passphrases that open the repository.")
Label = Annotated[str, typer.Option(help="Whose it is; anybody who can list the bucket can read this.")]


def init(output: OutputOption = Output.TABLE) -> None:
    """Make the repository if there is none, and show its recovery text, once."""
    from workers.repository.format import keyring
    from workers.repository.format.master_key import recovery_text

    store, passphrase = context.store(), context.destination().passphrase.get_secret_value()
    master = keyring.unlock(store, passphrase) or keyring.make(store, passphrase)[0]
    if not keyring.first_showing(store):
        raise Invalid("the recovery text of this repository was shown before, and is not shown again")
    context.notes.print("keep this text where no passphrase is needed: it opens the repository when all keys are lost")
    show({"recovery_text": recovery_text(master)}, output)


@keys.command("list")
def list_(output: OutputOption = Output.TABLE) -> None:
    """The keys, without their secrets."""
    from workers.repository.format import keyring

    rows = [
        {"id": each.id, "label": each.label, "created_at": each.created} for each in keyring.records(context.store())
    ]
    show(rows, output, ("id", "label", "created_at"))


@keys.command("add")
def add_(label: Label = "", output: OutputOption = Output.TABLE) -> None:
    """Another passphrase, given on standard input."""
    from workers.repository.format import keyring

    store = context.store()
    master = _master(store)
    show({"id": keyring.add(store, master, _new_passphrase(), label)}, output)


@keys.command("remove")
def remove_(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Take a passphrase away; the last one stays."""
    from workers.repository.format import keyring

    store = context.store()
    _master(store)
    keyring.remove(store, id_)
    show({"removed": id_}, output)


@keys.command("rotate")
def rotate_(label: Label = "", output: OutputOption = Output.TABLE) -> None:
    """A new passphrase, given on standard input, in place of the destination's."""
    from workers.repository.format import keyring

    store, chosen = context.store(), context.destination()
    new = _new_passphrase()
    id_ = keyring.rotate(store, chosen.passphrase.get_secret_value(), new, label)
    if actions.is_given(context.settings(), chosen.name):
        context.notes.print("set SNAPLINE_PASSPHRASE of the workers to the new one, and start them again")
    else:
        renewed = chosen.model_copy(update={"passphrase": SecretStr(new)})
        actions.keep(context.cluster(), context.settings(), renewed)
        context.notes.print("the destination has the new passphrase; the workers take it up by themselves")
    show({"id": id_}, output)


@keys.command("recover")
def recover_(label: Label = "recovered", output: OutputOption = Output.TABLE) -> None:
    """A key for the destination's passphrase by the recovery text, which comes on standard input."""
    from workers.repository.upkeep import recover

    text = typer.prompt("Recovery text", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    passphrase = context.destination().passphrase.get_secret_value()
    show({"id": recover.recover(context.store(), text, passphrase, label)}, output)


def _master(store: ObjectStore) -> bytes:
    """Who changes keys must have one."""
    from workers.repository.format import keyring

    master = keyring.unlock(store, context.destination().passphrase.get_secret_value())
    if master is None:
        raise NotFound("there is no repository in this destination yet; `snapline repository init` makes it")
    return master


def _new_passphrase() -> str:
    if sys.stdin.isatty():
        given: str = typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
        return given
    first, _, _ = sys.stdin.read().partition("\n")
    if not first:
        raise Invalid("there is no new passphrase on standard input")
    return first
