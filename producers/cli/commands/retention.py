"""`snapline retention`."""

from dataclasses import asdict
from typing import Annotated

import typer

from producers.actions import retention as actions
from producers.cli.context import DestinationOption, ListOutputOption, OutputOption, note, session_of
from producers.cli.remedies import with_remedy
from producers.cli.render import ListOutput, Output, Row, show
from producers.views.retention import Previewed, RulesView
from producers.views.retention import preview as previewed
from producers.views.retention import rules as all_rules
from schemas.events import THE_DEFAULT
from schemas.retention import ALL, PRESETS, Rules

retention = typer.Typer(no_args_is_help=True, help="For how long backups are kept.")
App = Annotated[str | None, typer.Option(help="Of the backups of this application alone; without it, of full ones.")]
OfSchedule = Annotated[str | None, typer.Option("--schedule", help="Of the backups of this schedule.")]
OfSnapshots = Annotated[bool, typer.Option("--safety-snapshots", help="Of what restores back up before they delete.")]
Preset = Annotated[str | None, typer.Option(help=f"Rules by a word: {', '.join(PRESETS)}; more may be given.")]
Ttl = Annotated[str | None, typer.Option(help="Keep new ones for so long, such as '1 month', 720h.")]
Last = Annotated[int | None, typer.Option(min=ALL, help="Keep so many, the newest; -1 keeps all.")]
Hourly = Annotated[int | None, typer.Option(min=ALL, help="Keep the newest of each of the last so many hours.")]
Daily = Annotated[int | None, typer.Option(min=ALL, help="Of each of the last so many days that have one.")]
Weekly = Annotated[int | None, typer.Option(min=ALL, help="Of each of the last so many weeks, from Monday on.")]
Monthly = Annotated[int | None, typer.Option(min=ALL, help="Of each of the last so many months.")]
Yearly = Annotated[int | None, typer.Option(min=ALL, help="Of each of the last so many years.")]
Within = Annotated[str | None, typer.Option(help="Keep all that are so much older than the newest, at most: 30d.")]
MinAge = Annotated[str | None, typer.Option(help="Let nothing go that is younger, such as 24h.")]
TimeZone = Annotated[str | None, typer.Option(help="Whose hours, days and weeks, such as Europe/Berlin; else UTC.")]
COLUMNS = ("scope", "ttl", "keep")
PREVIEWED = ("name", "outcome", "requested_at", "size", "reasons")


@retention.command("set")
def set_(
    ctx: typer.Context,
    app: App = None,
    schedule: OfSchedule = None,
    safety_snapshots: OfSnapshots = False,
    preset: Preset = None,
    ttl: Ttl = None,
    keep_last: Last = None,
    keep_hourly: Hourly = None,
    keep_daily: Daily = None,
    keep_weekly: Weekly = None,
    keep_monthly: Monthly = None,
    keep_yearly: Yearly = None,
    keep_within: Within = None,
    min_age: MinAge = None,
    time_zone: TimeZone = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set the rules of full backups, or of others, in place of those that there were. What no rule keeps goes, but
    never the last good one."""
    wanted = actions.rules(
        preset,
        ttl=ttl,
        keep_last=keep_last,
        keep_hourly=keep_hourly,
        keep_daily=keep_daily,
        keep_weekly=keep_weekly,
        keep_monthly=keep_monthly,
        keep_yearly=keep_yearly,
        keep_within=keep_within,
        min_age=min_age,
        time_zone=time_zone,
    )
    scope = actions.scope_of(app, schedule, safety_snapshots=safety_snapshots)
    show(_row(actions.put(session_of(ctx), scope, wanted), output), output)
    note("`snapline retention preview` shows what goes now")


@retention.command("show")
@retention.command("list", hidden=True)
def show_(ctx: typer.Context, output: ListOutputOption = ListOutput.TABLE) -> None:
    """All rules. Without any, only what was asked for with a ttl ever goes."""
    found = all_rules(session_of(ctx))
    show([_row(view, output) for view in found], output, COLUMNS)
    for view in found:
        if view.problem:
            note(f"nothing of {view.scope} goes: {with_remedy(view.problem)}")
    if not found:
        note("there are no rules: backups stay, but those that were asked for with a ttl")


@retention.command("preview")
def preview(
    ctx: typer.Context,
    app: App = None,
    schedule: OfSchedule = None,
    safety_snapshots: OfSnapshots = False,
    preset: Preset = None,
    keep_last: Last = None,
    keep_hourly: Hourly = None,
    keep_daily: Daily = None,
    keep_weekly: Weekly = None,
    keep_monthly: Monthly = None,
    keep_yearly: Yearly = None,
    keep_within: Within = None,
    min_age: MinAge = None,
    time_zone: TimeZone = None,
    destination: DestinationOption = THE_DEFAULT,
    output: ListOutputOption = ListOutput.TABLE,
) -> None:
    """What would go now, and why each that stays stays; with rules, as if these were set."""
    given = {
        "keep_last": keep_last,
        "keep_hourly": keep_hourly,
        "keep_daily": keep_daily,
        "keep_weekly": keep_weekly,
        "keep_monthly": keep_monthly,
        "keep_yearly": keep_yearly,
        "keep_within": keep_within,
        "min_age": min_age,
        "time_zone": time_zone,
    }
    scope = actions.scope_of(app, schedule, safety_snapshots=safety_snapshots)
    wanted = preset is not None or any(value is not None for value in given.values())
    tried = {scope: actions.rules(preset, **given)} if wanted else {}
    found = previewed(session_of(ctx), tried, destination=destination)
    show([outcome(each) for each in found], output, PREVIEWED)
    going = [each for each in found if each.goes]
    would = "would go" if tried else "go"
    note(f"{len(going)} of {len(found)} {would}; nothing is deleted by looking")


@retention.command("remove")
def remove(
    ctx: typer.Context, app: App = None, schedule: OfSchedule = None, safety_snapshots: OfSnapshots = False
) -> None:
    """Forget the rules of full backups, or of others. Backups keep the ttl that they have."""
    scope = actions.scope_of(app, schedule, safety_snapshots=safety_snapshots)
    actions.forget(session_of(ctx), scope)
    note(f"the rules of {scope} are gone; without rules, only what has a ttl goes")


def _row(view: RulesView, output: Output | ListOutput) -> Row:
    """Programs get the fields; people get what they say."""
    if output in (Output.JSON, Output.YAML, ListOutput.JSON, ListOutput.YAML):
        fields = view.rules.model_dump() if view.rules else dict.fromkeys(Rules.model_fields)
        return {"scope": view.scope, **fields, "problem": str(view.problem or "")}
    if view.rules is None:
        return {"scope": view.scope, "ttl": None, "keep": ["all, as they cannot be read"]}
    return {"scope": view.scope, "ttl": view.rules.ttl, "keep": list(view.rules.in_words)}


def outcome(view: Previewed) -> Row:
    """One backup, in the preview."""
    row = asdict(view) | {"reasons": list(view.reasons), "requested_at": view.requested_at.isoformat()}
    row["expires_at"] = view.expires_at.isoformat() if view.expires_at else None
    del row["goes"]
    return {"name": view.name, "outcome": "goes" if view.goes else "stays", **row}
