"""Before a restore in the console: the dialogs, the plan, and the confirmation."""

import re
from pathlib import Path

import pytest

from producers.access.identity import Identity
from schemas import events as e
from schemas.errors import TransientError
from schemas.kubernetes import CONFIG_MAPS, Discovery
from tests.support.console import Console, Page
from tests.support.console_restores import asked, backed_up, config, console, hidden, plan_of, stateful
from tests.support.restores import CONSOLE

PARTIAL = "/snapshots/partial/shop/b/restore"
FULL = "/snapshots/details/b/restore"


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
