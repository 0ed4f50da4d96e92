"""What restore is meant, as addresses and forms say it."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request

from producers.access.identity import require
from producers.console.routing import identity_of
from producers.views.restore_plan.asked import Asked
from schemas.errors import Code, Invalid
from schemas.events import Scope

PLAN = "/restores/plan"
SCOPES: tuple[Scope, ...] = ("full", "applications", "console")


def asked_for(given: QueryParams | FormData) -> Asked:
    """What the fields of an address or a form say. Options count only where `options` says that they were asked for.
    Raises Invalid."""
    scope = _one(given, "scope") or "full"
    if scope not in SCOPES:
        raise Invalid(f"{scope!r:.80} is no scope of a restore; there are {', '.join(SCOPES)}")
    chosen = bool(_one(given, "options"))
    return Asked(
        backup=_one(given, "backup"),
        scope=scope,
        app=_one(given, "app") or None,
        keep_newer=chosen and _one(given, "keep_newer") == "on",
        safety_snapshot=not chosen or _one(given, "safety_snapshot") == "on",
        namespace_mapping=mapping(_one(given, "namespace_mapping")),
        destination=_one(given, "destination"),
    )


def fields(asked: Asked) -> dict[str, str]:
    """The same as fields of an address or a form, without what is as always."""
    found = {"backup": asked.backup, "scope": asked.scope}
    if asked.app:
        found["app"] = asked.app
    if asked.destination:
        found["destination"] = asked.destination
    if asked.keep_newer or not asked.safety_snapshot or asked.namespace_mapping:
        found["options"] = "1"
        found["safety_snapshot"] = "on" if asked.safety_snapshot else ""
        found["keep_newer"] = "on" if asked.keep_newer else ""
        found["namespace_mapping"] = written(asked.namespace_mapping)
    return {name: value for name, value in found.items() if value}


def mapping(text: str) -> dict[str, str]:
    """`OLD:NEW` with commas between; empty for nothing. Raises Invalid."""
    found: dict[str, str] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        old, colon, new = each.partition(":")
        if not (old and colon and new) or old in found:
            raise Invalid(f"{each!r:.200} is no mapping; write OLD:NEW, each namespace once")
        found[old.strip()] = new.strip()
    return found


def written(found: Mapping[str, str]) -> str:
    """The inverse of `mapping`."""
    return ",".join(f"{old}:{new}" for old, new in found.items())


def plan_address(asked: Asked, slug: str = "") -> str:
    """Where its plan is shown; `slug` is what was typed to confirm already."""
    return f"{PLAN}?{urlencode(fields(asked) | ({'slug': slug} if slug else {}))}"


def of_restore(name: str, destination: str = "", **query: str) -> str:
    """The address of one restore."""
    given = {**({"destination": destination} if destination else {}), **query}
    return f"/restores/{quote(name, safe='')}" + (f"?{urlencode(given)}" if given else "")


def of_progress(asked: Asked, partial: bool, name: str, **query: str) -> str:
    """The address at which a restore is followed, as people know it from KOTS where it is of one application; `partial`
    says that the backup is of that one alone."""
    if asked.app is None or asked.app in ("details", "partial"):
        return of_restore(name, asked.destination, **query)
    given = {**({"destination": asked.destination} if asked.destination else {}), "restore": name, **query}
    slug, backup = quote(asked.app, safe=""), quote(asked.backup, safe="")
    return f"/snapshots/{'partial/' if partial else ''}{slug}/{backup}/restore?{urlencode(given)}"


def may_restore(request: Request, asked: Asked) -> None:
    """Raises Denied for who may not: a restore of less than one application concerns all."""
    require(identity_of(request), "restore", asked.app)


def command(asked: Asked) -> str:
    """What does the same on the command line."""
    words = ["snapline restore --from-backup", asked.backup]
    if asked.app:
        words += ["--app", asked.app]
    elif asked.scope != "full":
        words.append("--exclude-apps" if asked.scope == "console" else "--exclude-admin-console")
    words += ["--keep-newer"] * asked.keep_newer + ["--no-safety-snapshot"] * (not asked.safety_snapshot)
    if asked.namespace_mapping:
        words += ["--namespace-mapping", written(asked.namespace_mapping)]
    if asked.destination:
        words += ["--destination", asked.destination]
    return " ".join(words)


def no_backup(name: str) -> Invalid:
    """For an address that names none."""
    return Invalid(f"{name!r:.80} cannot be the name of a backup", code=Code.NO_SUCH_BACKUP)


def _one(given: QueryParams | FormData, name: str) -> str:
    found = given.get(name, "")
    return found.strip() if isinstance(found, str) else ""
