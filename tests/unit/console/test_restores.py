"""Restores in the console: the dialogs, the plan, the confirmation, and the pages that follow."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.access.identity import Identity
from producers.console.rendering import environment
from schemas import events as e
from schemas import keys
from schemas.errors import Code, TransientError
from schemas.job import backup, restore
from schemas.kubernetes import CONFIG_MAPS, Discovery, Object
from schemas.messages import Message
from schemas.records import RestoreRecord
from tests.support.console import Console, Page
from tests.support.front import reject_restore
from tests.support.objects import claim, make, on_claim, opted_in, owner, pod
from tests.support.restores import AFTER, CONSOLE, Restoring, app, label
from workers.jobs import ledger

PARTIAL = "/snapshots/partial/shop/b/restore"
FULL = "/snapshots/details/b/restore"


def stateful(slug: str) -> list[Object]:
    db = make("StatefulSet", slug, CONSOLE, "apps/v1", labels=label(slug), spec={})
    data = claim(f"data-{slug}", CONSOLE, labels=label(slug))
    volumes = {"data": on_claim(f"data-{slug}")}
    names: dict[str, Any] = {"labels": label(slug), "owners": [owner(db)], "annotations": opted_in("data")}
    return [db, pod(f"{slug}-0", CONSOLE, volumes=volumes, **names), data]


def config(name: str, slug: str = "shop") -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug))


def backed_up(of: str | None = "shop", live: list[Object] | None = None) -> Restoring:
    console = [make("ConfigMap", "kotsadm", CONSOLE, labels={"kots.io/kotsadm": "true"})]
    objects = [*console, *stateful("shop"), *([] if of else stateful("blog"))]
    apps = [app("shop")] if of else [app("shop"), app("blog")]
    return Restoring(objects, apps, live, claims=[(CONSOLE, "data-shop")], of=of)


def console(tmp: Path, restoring: Restoring, who: Identity | None = None) -> Console:
    given = {"who": who} if who else {}
    return Console(
        tmp, now=AFTER, store=restoring.objects, cluster=restoring.cluster, console_namespace=CONSOLE, **given
    )


def hidden(page: Page) -> dict[str, str]:
    """The fields of the form that confirms."""
    form = page.html[page.html.index('data-testid="restore-plan-confirm"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def asked(console: Console) -> list[e.RestoreRequested]:
    return [event.data for event in console.front.bus.published if isinstance(event.data, e.RestoreRequested)]


def plan_of(console: Console, **query: str) -> Page:
    return console.get("/restores/plan", **{"backup": "b", "scope": "applications", "app": "shop", **query})


def test_a_partial_snapshot_asks_for_the_slug_and_leads_to_the_plan(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    page = at.get(PARTIAL)
    assert page.has("restore-snapshot-modal")
    assert page.has("app-slug-input")
    assert "Confirm and restore" in page.text
    assert "snapline restore --from-backup b --app shop" in page.test_id("restore-command")
    assert (
        at.post(PARTIAL, {"slug": "shop"}).location == "/restores/plan?backup=b&scope=applications&app=shop&slug=shop"
    )
    assert not asked(at)


def test_a_wrong_slug_is_refused_with_what_was_typed(tmp_path: Path) -> None:
    page = console(tmp_path, backed_up()).post(PARTIAL, {"slug": "<b>shop"}, 400)
    assert "The app slug you entered does not match the current app slug" in page.text
    assert 'value="&lt;b&gt;shop"' in page.html


def test_a_full_snapshot_offers_three_restores_and_the_command(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up(None))
    page = at.get(FULL)
    for said in ("Full restore", "Admin Console & application", "Partial restore", "Restore Admin Console"):
        assert said in page.test_id("backup-restore-modal")
    found = re.search(r'<code class="react-prism language-bash">([^<]*)</code>', page.html)
    assert found
    assert found[1] == "snapline restore --from-backup b"
    assert at.post(FULL, {"choice": "full"}).location == "/restores/plan?backup=b&scope=full"
    assert at.post(FULL, {"choice": "console"}).location == "/restores/plan?backup=b&scope=console"
    one = at.post(FULL, {"choice": "partial", "app": "blog", "slug": "blog"}).location
    assert one == "/restores/plan?backup=b&scope=applications&app=blog&slug=blog"
    page = at.post(FULL, {"choice": "partial", "app": "blog", "slug": "shop"}, 400)
    assert "does not match the current app slug" in page.text


def test_the_plan_says_what_would_happen(tmp_path: Path) -> None:
    page = plan_of(console(tmp_path, backed_up(live=[*stateful("shop"), config("newer")])))
    assert "Nothing has happened yet" in page.text
    assert "ConfigMap console/newer" in page.text
    assert "console/data-shop" in page.text
    assert "deletes 4 objects, 1 volume" in page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_what_is_confirmed_is_asked_for_once_however_often(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    form = {**hidden(plan_of(at)), "slug": "shop"}
    first, second = at.post("/restores/plan", form), at.post("/restores/plan", form)
    assert first.location == second.location
    assert first.location.startswith("/snapshots/partial/shop/b/restore?restore=b-")
    assert len({event.id for event in at.front.bus.published}) == 1
    [request, _] = asked(at)
    assert (request.backup, request.scope, request.app, request.safety_snapshot) == ("b", "applications", "shop", True)
    page = at.get(first.location)
    assert page.has("restore-in-progress-view")


def test_what_is_confirmed_is_an_act_on_record_and_what_is_looked_at_is_none(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    at.get(PARTIAL)
    form = {**hidden(plan_of(at)), "slug": "shop"}
    assert at.front.bus.audited == []
    at.post("/restores/plan", form)
    [told] = [event.data for event in at.front.bus.audited if isinstance(event.data, e.AuditRecorded)]
    assert (told.act, told.on, told.outcome) == ("restore", "/restores/plan backup=b app=shop slug=shop", "done")


def test_without_the_right_word_nothing_is_asked_for(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    page = at.post("/restores/plan", {**hidden(plan_of(at)), "slug": "blog"}, 400)
    assert "does not match the current app slug" in page.text
    assert not asked(at)


def test_a_plan_that_has_changed_is_shown_again(tmp_path: Path) -> None:
    restoring = backed_up(live=stateful("shop"))
    at = console(tmp_path, restoring)
    form = {**hidden(plan_of(at)), "slug": "shop"}
    restoring.cluster.create(CONFIG_MAPS, config("newer"))
    page = at.post("/restores/plan", form, 409)
    assert "The plan has changed since you saw it" in page.text
    assert "ConfigMap console/newer" in page.text
    assert not asked(at)
    assert at.post("/restores/plan", {**hidden(page), "slug": "shop"}).location
    assert len(asked(at)) == 1


def test_options_go_with_the_request(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    options = {"options": "1", "keep_newer": "on", "namespace_mapping": f"{CONSOLE}:elsewhere"}
    page = plan_of(at, **options)
    assert "--keep-newer --no-safety-snapshot --namespace-mapping console:elsewhere" in page.text
    at.post("/restores/plan", {**hidden(page), "slug": "shop"})
    [request] = asked(at)
    assert (request.keep_newer, request.safety_snapshot) == (True, False)
    assert request.namespace_mapping == {CONSOLE: "elsewhere"}


def test_a_full_restore_is_confirmed_by_the_name_of_the_snapshot(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up(None))
    page = plan_of(at, scope="full", app="")
    assert at.post("/restores/plan", {**hidden(page), "slug": "shop"}, 400).text
    location = at.post("/restores/plan", {**hidden(page), "slug": "b"}).location
    assert location.startswith("/restores/b-")
    assert asked(at)[0].scope == "full"


@pytest.mark.parametrize("query", [{"scope": "full", "app": ""}, {"app": "blog"}])
def test_who_may_restore_one_application_gets_no_plan_of_more(tmp_path: Path, query: dict[str, str]) -> None:
    at = console(tmp_path, backed_up(None), Identity("o", "operator", frozenset({"shop"})))
    plan_of(at)
    at.get("/restores/plan", 403, **{"backup": "b", "scope": "applications", "app": "shop", **query})
    form = {**hidden(plan_of(at)), "slug": query["app"] or "b", **query}
    at.post("/restores/plan", form, 403)
    assert not asked(at)


def test_who_may_restore_one_application_is_offered_that_alone(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up(None), Identity("o", "operator", frozenset({"shop"})))
    page = at.get(FULL)
    assert "Full restore" not in page.text
    assert 'value="blog"' not in page.html
    at.post(FULL, {"choice": "full"}, 403)


def test_support_may_look_and_not_restore(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up(), Identity("s", "support"))
    at.get(PARTIAL, 403)
    at.get("/restores/plan", 403, backup="b")
    at.get("/restores")


def test_what_cannot_be_restored_is_said(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    assert "there is none of that name" in at.get("/restores/plan", 400, backup="nope").text
    at.get("/snapshots/partial/shop/nope/restore", 404)
    at.get("/snapshots/partial/blog/b/restore", 404)


def under_way(restoring: Restoring, **wanted: Any) -> None:
    restoring.request(scope="applications", app="shop", **wanted)
    restoring.prepare()


def test_a_restore_that_runs_shows_its_volumes_and_can_be_cancelled(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    at = console(tmp_path, restoring)
    page = at.get(PARTIAL)
    assert page.test_id("restore-in-progress-title") == "Partial restore in progress"
    assert "Waiting" in page.test_id("restore-in-progress-volume-0")
    assert page.has("restore-in-progress-loader")
    assert page.has("restore-in-progress-description")
    assert "Cancel snapshot restore" in page.text
    assert "Let it go on" in at.get("/restores/r/cancel").text
    assert at.post("/restores/r/cancel").location == "/restores/r"
    assert ledger.cancelled(restoring.store, restore("r"))
    assert "Canceling..." in at.get("/restores/r").text
    restoring.fill("console/data-shop")
    assert "Complete" in at.get("/restores/r").test_id("restore-in-progress-volume-0")


def end(restoring: Restoring, **fields: Any) -> None:
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


def test_a_completed_restore_leads_to_the_dashboard(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    end(restoring)
    page = console(tmp_path, restoring).get("/snapshots/partial/shop/b/restore", restore="r")
    assert "Restore completed" in page.test_id("restore-completed-view")
    assert '<a class="btn primary" href="/">Log in to dashboard</a>' in page.html


def test_a_failed_restore_says_what_was_put_back_and_how_to_go_back(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring, safety_snapshot=True)
    errors = [
        Message(code=Code.PUT_BACK, text="shop was not restored; what had been deleted of it is put back"),
        Message(code=Code.NOT_APPLIED, text="<script>alert(1)</script> could not be created"),
    ]
    end(restoring, status="Failed", errors=errors, snapshot="r-before")
    safe = {"name": "r-before", "request": "q", "status": "Completed", "requested_at": AFTER, "completed_at": AFTER}
    snapshot = ledger.finished_backup(restoring.store, "b")
    assert snapshot
    ledger.create(restoring.store, keys.final(backup("r-before")), snapshot.model_copy(update=safe))
    at = console(tmp_path, restoring)
    page = at.get("/restores/r")
    assert "what had been deleted of it is put back" in page.text
    assert "Contact your vendor for help troubleshooting this restore" in page.text
    assert "<script>alert" not in page.html
    assert at.browser.get("/restores/r/rollback").headers["location"] == (
        "/restores/plan?backup=r-before&scope=applications&app=shop"
    )


def test_a_cancelled_restore_says_what_was_written_and_sends_nobody_to_the_vendor(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    end(restoring, status="Cancelled", reason=Message(code=Code.CANCELLED, text="cancelled on request"))
    page = console(tmp_path, restoring).get("/restores/r")
    assert "Restore cancelled" in page.test_id("restore-failed-view")
    assert "0 objects, 0 volumes, in 4 min" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Cancelled on request." in page.text
    assert "Contact your vendor" not in page.text


def test_a_request_that_was_refused_says_why(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    name = reject_restore(at.front, "e1", Message(code=Code.LICENSE_REFUSED, text="not <i>allowed</i>"))
    page = at.get(f"/restores/{name}")
    assert "Restore rejected" in page.text
    assert "not &lt;i&gt;allowed" in page.html


def test_the_list_has_what_one_may_see(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    page = console(tmp_path, restoring).get("/restores")
    assert "shop" in page.test_id("restore-row-0")
    assert "In Progress" in page.test_id("restore-row-0")
    others = console(tmp_path / "o", restoring, Identity("o", "operator", frozenset({"blog"})))
    assert "No restores yet" in others.get("/restores").text
    others.get("/restores/r", 403)


def test_an_unanswered_request_says_so_after_a_while(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    since = int(AFTER.timestamp())
    assert "Nobody has taken up" not in at.get("/restores/b-xxxxx", since=str(since)).text
    assert "Nobody has taken up" in at.get("/restores/b-xxxxx", since=str(since - 600)).text
    at.get("/restores/b-xxxxx", 404)
    at.get("/restores/b-xxxxx", 404, since="x")


def test_a_volume_that_is_being_written_shows_how_far_it_is(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    at = console(tmp_path, restoring)
    for second, done in ((1, 0), (11, 0)):
        said = e.VolumesProgressed(job="r", volume="console/data-shop", bytes_done=done, bytes_total=1, files_done=0)
        at.front.bus.memory.publish(e.wrap(said, source="tests", time=AFTER + timedelta(seconds=second)))
    with at.front.session.events.listen(AFTER) as listener:
        assert listener.get(60)
        assert listener.get(60)
    assert "In progress" in at.get("/restores/r").test_id("restore-in-progress-volume-0")


def test_while_the_safety_snapshot_is_taken_its_volumes_are_shown_too(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring, safety_snapshot=True)
    at = console(tmp_path, restoring)
    said = e.VolumesProgressed(job="r-before", volume="console/data-shop", bytes_done=1, bytes_total=4, files_done=0)
    at.front.bus.memory.publish(e.wrap(said, source="tests", time=AFTER + timedelta(seconds=1)))
    with at.front.session.events.listen(AFTER) as listener:
        assert listener.get(60)
    page = at.get("/restores/r")
    assert "25 %" in page.test_id("safety-snapshot-volume-0")
    assert "Waiting" in page.test_id("restore-in-progress-volume-0")


def test_seconds_and_minutes_that_remain_are_said_as_people_say_them() -> None:
    parts: Any = environment().get_template("fragments/restore_parts.html").module
    said = [str(parts.remaining(seconds)) for seconds in (1, 59, 60, 3600)]
    assert said == ["1 second remaining", "59 seconds remaining", "1 minute remaining", "60 minutes remaining"]


def test_a_cluster_that_is_away_is_said_and_nothing_is_asked_for(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    form = {**hidden(plan_of(at)), "slug": "shop"}
    at.front.cluster.discover = _away  # type: ignore[method-assign]
    assert "the API server does not answer" in plan_page(at, 503).text
    assert "the API server does not answer" in at.post("/restores/plan", form, 503).text
    assert not asked(at)


def plan_page(console: Console, status: int) -> Page:
    return console.get("/restores/plan", status, backup="b", scope="applications", app="shop")


def _away() -> Discovery:
    raise TransientError("the API server does not answer")


def test_names_that_strangers_gave_are_shown_as_text(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    live = [*stateful("shop"), config(name)]
    page = plan_of(console(tmp_path, backed_up(live=live)))
    assert f"ConfigMap console/{name}" in page.text
    assert "<img" not in page.html


def test_a_form_of_another_site_restores_nothing(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    form = {**hidden(plan_of(at)), "slug": "shop", "csrf": "another"}
    at.post("/restores/plan", form, 403)
    assert not asked(at)
