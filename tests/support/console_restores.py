"""Restores in the console over twins: a backup of two applications, and a console that sees it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from producers.access.identity import Identity
from schemas import events as e
from schemas import keys
from schemas.job import restore
from schemas.kubernetes import Object
from schemas.records import RestoreRecord
from tests.support.console import Console, Page
from tests.support.objects import claim, make, on_claim, opted_in, owner, pod
from tests.support.restores import AFTER, CONSOLE, Restoring, app, label
from workers.jobs import ledger


def stateful(slug: str) -> list[Object]:
    """An application with a pod on a claim."""
    db = make("StatefulSet", slug, CONSOLE, "apps/v1", labels=label(slug), spec={})
    data = claim(f"data-{slug}", CONSOLE, labels=label(slug))
    volumes = {"data": on_claim(f"data-{slug}")}
    names: dict[str, Any] = {"labels": label(slug), "owners": [owner(db)], "annotations": opted_in("data")}
    return [db, pod(f"{slug}-0", CONSOLE, volumes=volumes, **names), data]


def config(name: str, slug: str = "shop") -> Object:
    """One of its ConfigMaps."""
    return make("ConfigMap", name, CONSOLE, labels=label(slug))


def backed_up(of: str | None = "shop", live: list[Object] | None = None) -> Restoring:
    """A backup `b` of one application or of two and the console; by default all of it is live as it was."""
    console = [make("ConfigMap", "kotsadm", CONSOLE, labels={"kots.io/kotsadm": "true"})]
    objects = [*console, *stateful("shop"), *([] if of else stateful("blog"))]
    apps = [app("shop")] if of else [app("shop"), app("blog")]
    return Restoring(objects, apps, live, claims=[(CONSOLE, "data-shop")], of=of)


def console(tmp: Path, restoring: Restoring, who: Identity | None = None) -> Console:
    """A console that sees it."""
    given = {"who": who} if who else {}
    return Console(
        tmp, now=AFTER, store=restoring.objects, cluster=restoring.cluster, console_namespace=CONSOLE, **given
    )


def hidden(page: Page) -> dict[str, str]:
    """The fields of the form that confirms."""
    form = page.html[page.html.index('data-testid="restore-plan-confirm"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def asked(console: Console) -> list[e.RestoreRequested]:
    """The restores that were asked for."""
    return [event.data for event in console.front.bus.published if isinstance(event.data, e.RestoreRequested)]


def plan_of(console: Console, **query: str) -> Page:
    """The page with the plan of a restore of `shop`, or of what the query says."""
    return console.get("/restores/plan", **{"backup": "b", "scope": "applications", "app": "shop", **query})


def under_way(restoring: Restoring, **wanted: Any) -> None:
    """The restore `r` of `shop` has been planned."""
    restoring.request(scope="applications", app="shop", **wanted)
    restoring.prepare()


def end(restoring: Restoring, **fields: Any) -> None:
    """It ends."""
    record = RestoreRecord.model_validate(
        {
            "name": "r",
            "request": "q",
            "backup": "b",
            "scope": "applications",
            "app": "shop",
            "status": "Completed",
            "requested_at": AFTER,
            "completed_at": AFTER + timedelta(minutes=4),
            **fields,
        }
    )
    ledger.create(restoring.store, keys.final(restore("r")), record)
