"""`snapline notify`: whom to tell, and what became of that."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from producers.actions import notifications as actions
from producers.cli import notified
from producers.cli.context import DestinationOption, OutputOption, note, session_of
from producers.cli.exits import Exit
from producers.cli.given_secrets import Wanted, secrets
from producers.cli.render import Output, show
from producers.views.notifying import deliveries as log
from producers.views.notifying import targets as views
from schemas.events import THE_DEFAULT

notify = typer.Typer(no_args_is_help=True, help="Try notifications, and look at what became of them.")
setting = typer.Typer(no_args_is_help=True, help="Say whom to notify, or change it; addresses come on standard input.")
notify.add_typer(setting, name="set", hidden=True)

Name = Annotated[str, typer.Argument(help="Name of the target.")]
Events = Annotated[
    list[str] | None, typer.Option("--event", help="Only events like this, such as `backup.*`; may be repeated.")
]
Apps = Annotated[list[str] | None, typer.Option("--app", help="Only this application; may be repeated. `*` is all.")]
Severity = Annotated[str | None, typer.Option(help="Only what is at least so bad: info, warning, error.")]
Digest = Annotated[
    str | None, typer.Option(help="Collect, and tell all at once: `daily`, `15m`, or five cron fields; `off` ends it.")
]
Private = Annotated[bool | None, typer.Option(help="Let it be on this machine or in a private network.")]


@setting.command("webhook")
def set_webhook(
    ctx: typer.Context,
    name: Name,
    event: Events = None,
    app: Apps = None,
    severity: Severity = None,
    digest: Digest = None,
    allow_private: Private = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """An HTTP server. Its URL, and the key that signs what it is told, come on standard input, a line each."""
    said = _asked(url="URL", key="Key of the signature")
    _put(ctx, "webhook", name, said | _rule(event, app, severity, digest, allow_private), output)


@setting.command("apprise")
def set_apprise(
    ctx: typer.Context,
    name: Name,
    event: Events = None,
    app: Apps = None,
    severity: Severity = None,
    digest: Digest = None,
    allow_private: Private = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Chat, mail or a pager. Its URL in the form of apprise, such as slack:// or mailto://, comes on standard input."""
    said = _asked(url="URL in the form of apprise")
    _put(ctx, "apprise", name, said | _rule(event, app, severity, digest, allow_private), output)


@setting.command("ping")
def set_ping(
    ctx: typer.Context,
    name: Name,
    event: Events = None,
    app: Apps = None,
    severity: Severity = None,
    allow_private: Private = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """A dead man's switch, such as Healthchecks. The URLs for success, failure and the beginning come on standard
    input, a line each."""
    said = _asked(success_url="URL for success", fail_url="URL for failure", start_url="URL for the beginning")
    _put(ctx, "ping", name, said | _rule(event, app, severity, None, allow_private), output)


@setting.command("kubernetes")
def set_kubernetes(
    ctx: typer.Context,
    name: Name,
    event: Events = None,
    app: Apps = None,
    severity: Severity = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Kubernetes Events on the objects concerned."""
    _put(ctx, "kubernetes", name, _rule(event, app, severity, None, None), output)


@notify.command("list", hidden=True)
def list_(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Whom to notify, and of what."""
    show([notified.target(each) for each in views.targets(session_of(ctx))], output, notified.TARGET_COLUMNS)


@notify.command("test")
def try_out(ctx: typer.Context, name: Name, output: OutputOption = Output.TABLE) -> None:
    """Tell a target from this machine, now, that this is a test, and show what it answered."""
    said = actions.try_out(session_of(ctx), name)
    show(notified.answer(name, said), output)
    if said.status != "delivered":
        raise typer.Exit(Exit.FAILED)


@notify.command("deliveries")
def deliveries(
    ctx: typer.Context,
    target: Annotated[str | None, typer.Option(help="Only to this target.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only those: delivered, waiting (is tried again), failed, collected.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=2000, help="At most so many, the newest.")] = 50,
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """What became of notifications in the last 30 days, the newest first."""
    found = log.deliveries(session_of(ctx).store(destination), target=target, status=status, limit=limit)
    show([notified.delivery(each) for each in found], output, notified.DELIVERY_COLUMNS)


@notify.command("redeliver")
def redeliver(
    ctx: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Id of the delivery.")],
    destination: DestinationOption = THE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Tell a target of an event once more, from this machine, now."""
    again = actions.redeliver(session_of(ctx), delivery, destination)
    show(notified.delivery(again), output)
    if again.status != "delivered":
        raise typer.Exit(Exit.FAILED)


@notify.command("remove", hidden=True)
def remove(ctx: typer.Context, name: Name) -> None:
    """Forget a target; it is not notified any more."""
    actions.forget(session_of(ctx), name)
    note(f"{name} is not notified any more")


def _asked(**prompts: str) -> dict[str, Any]:
    """What is asked for, or comes on standard input in that order."""
    return dict(secrets({field: Wanted(prompt) for field, prompt in prompts.items()}).values)


def _put(ctx: typer.Context, kind: str, name: str, given: Mapping[str, Any], output: Output) -> None:
    show(notified.target(actions.put(session_of(ctx), kind, name, given)), output)


def _rule(
    event: list[str] | None, app: list[str] | None, severity: str | None, digest: str | None, private: bool | None
) -> dict[str, Any]:
    """What is given of a rule. None leaves it as it was."""
    return {
        "events": event or None,
        "apps": None if not app else [] if "*" in app else app,
        "severity": severity,
        "digest": actions.NO_DIGEST if digest == "off" else digest,
        "allow_private": private,
    }
