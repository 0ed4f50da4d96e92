"""The settings page, retention: nothing is set that deletes what its sender has not been shown."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import destinations, holds, objects
from producers.console.pages.settings.retention import app_of
from producers.views import retention as views
from schemas import application, retention
from schemas.application import Application
from schemas.destination import parse
from schemas.errors import Invalid, TransientError
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from schemas.retention import Rules
from tests.support.console import Console, Page
from tests.support.front import NOON
from tests.support.sealed import PASSPHRASE

PATH = "/snapshots/settings"
SHOPKEEPER = Identity("keeper", "cluster-admin", frozenset({"shop"}))
LAST_TWO = {"scope": "instance", "value": "", "keep_last": "2"}


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Five full snapshots, the last of them today, one a day; and one of the shop."""
    console = Console(tmp_path)
    secret = application.to_secret(Application(slug="shop", name="Shop"), "snapline-console")
    objects.apply(console.front.cluster, SECRETS, secret)
    for days in range(5):
        name = f"instance-{days}"
        console.front.begin(name)
        at = NOON - timedelta(days=days)
        console.front.finish(name, requested_at=at, completed_at=at + timedelta(minutes=1))
    console.front.begin("shop-1")
    console.front.finish("shop-1", app="shop")
    return console


def stored(console: Console, scope: str = "instance") -> Rules | None:
    return next((each.rules for each in views.rules(console.front.session) if each.scope == scope), None)


def update(console: Console, values: dict[str, str], status: int = 303) -> Page:
    return console.post(f"{PATH}/retention", values, status)


def seen(page: Page) -> str:
    """What the button of a page brings with it."""
    found = re.search(r'name="seen" value="(\w*)">Update retention policy', page.html)
    assert found
    return found[1]


# --- by KOTS' names


def test_the_card_has_the_names_that_scripts_know_and_begins_with_four_weeks(console: Console) -> None:
    page = console.get(PATH)
    assert page.has("snapshots-retention-policy-card")
    assert 'value="4" data-testid="snapshots-retention-value"' in page.html
    assert '<option value="weeks" selected>Weeks</option>' in page.html
    assert page.test_id("snapshots-retention-unit") == "Days Weeks Months Years"
    assert "snapshots stay until somebody deletes them" in page.text
    assert not page.has("snapshots-retention-policy-update-confirmation")


@pytest.mark.parametrize(
    ("value", "unit", "ttl"),
    [("3", "days", "72h"), ("4", "weeks", "672h"), ("1", "months", "720h"), ("2", "years", "17532h")],
)
def test_a_number_and_a_unit_are_stored_as_with_kots_and_shown_again(
    console: Console, value: str, unit: str, ttl: str
) -> None:
    answer = update(console, {"scope": "instance", "value": value, "unit": unit})
    assert stored(console) == Rules(ttl=ttl)
    page = console.get(answer.location)
    assert page.test_id("snapshots-retention-policy-update-confirmation") == "Retention updated"
    assert f'value="{value}" data-testid="snapshots-retention-value"' in page.html
    assert f'<option value="{unit}" selected>' in page.html


# --- what it would delete


def test_the_preview_says_what_goes_and_the_button_is_red_then(console: Console) -> None:
    page = console.get(f"{PATH}/retention/preview", 200, **LAST_TWO)
    text = page.text.replace("\xa0", " ")
    assert "With this policy 3 snapshots would be deleted" in text
    assert "From 19 Nov 2026, 12:00 UTC to 21 Nov 2026, 12:00 UTC" in text
    assert "instance-4" in text
    assert "instance-1 " not in text
    assert 'class="btn danger solid"' in page.html


def test_where_nothing_goes_the_button_is_not_red(console: Console) -> None:
    page = console.get(f"{PATH}/retention/preview", 200, scope="instance", value="2", unit="weeks")
    assert "nothing is deleted now" in page.text
    assert "danger" not in page.html.partition("retention-preview")[2].partition("Update")[0]


def test_what_deletes_is_shown_before_it_is_set_and_set_when_it_was_shown(console: Console) -> None:
    page = update(console, LAST_TWO, 409)
    assert "Nothing was changed yet." in page.text
    assert stored(console) is None
    update(console, {**LAST_TWO, "seen": seen(page)})
    assert stored(console) == Rules(keep_last=2)


def test_what_was_shown_counts_for_nothing_else(console: Console) -> None:
    page = update(console, LAST_TWO, 409)
    update(console, {**LAST_TWO, "keep_last": "1", "seen": seen(page)}, 409)
    assert stored(console) is None


def test_what_goes_by_the_policy_that_is_set_is_said_to_go_anyway(console: Console) -> None:
    update(console, {**LAST_TWO, "seen": seen(update(console, LAST_TWO, 409))})
    page = console.get(f"{PATH}/retention/preview", 200, **{**LAST_TWO, "keep_last": "1"})
    assert "3 of these go anyway" in page.text.replace("\xa0", " ")
    assert "3 snapshots would be deleted" in console.get(PATH).text.replace("\xa0", " ")


def test_what_is_held_is_kept_and_counted(console: Console) -> None:
    holds.hold(console.front.session, "instance-4")
    text = console.get(f"{PATH}/retention/preview", 200, **LAST_TWO).text.replace("\xa0", " ")
    assert "With this policy 2 snapshots would be deleted" in text
    assert "1 is held" in text


def test_all_destinations_are_looked_at_and_one_that_cannot_be_is_a_doubt(console: Console) -> None:
    fields = {"provider": "directory", "name": "nas", "path": "/mnt", "passphrase": PASSPHRASE}
    destinations.keep(console.front.session, parse(fields))
    text = console.get(f"{PATH}/retention/preview", 200, **LAST_TWO).text.replace("\xa0", " ")
    assert "6 snapshots would be deleted" in text  # the twin gives both the same objects
    assert "in nas" in text
    console.front.session.destinations.store("default")
    opened = console.front.session.open_store

    def away(destination: object) -> object:
        if getattr(destination, "name", "") == "nas":
            raise TransientError("could not reach <nas>")
        return opened(destination)  # type: ignore[arg-type]

    console.front.session.destinations._open_store = away  # type: ignore[assignment]
    console.front.session.destinations._entries.clear()
    weeks = {"scope": "instance", "value": "2", "unit": "weeks"}
    page = update(console, weeks, 409)
    assert "What would be deleted in nas cannot be told" in page.text
    assert "<nas>" not in page.html
    assert stored(console) is None
    update(console, {**weeks, "seen": seen(page)})
    assert stored(console)


# --- rules of ours


def test_every_rule_is_stored_and_shown_again(console: Console) -> None:
    rules = {
        "keep_last": "3",
        "keep_hourly": "24",
        "keep_daily": "7",
        "keep_weekly": "5",
        "keep_monthly": "12",
        "keep_yearly": "-1",
        "keep_within": "30 days",
        "min_age": "24h",
        "time_zone": "Europe/Berlin",
    }
    update(console, {"scope": "instance", "value": "6", "unit": "months", **rules})
    found = stored(console)
    assert found
    assert (found.ttl, found.keep_last, found.keep_yearly, found.keep_within) == ("4320h", 3, -1, "720h")
    page = console.get(PATH)
    for name, value in {**rules, "keep_within": "1 month", "min_age": "1 day"}.items():
        assert f'name="{name}"' in page.html
        assert f'value="{value}"' in page.html


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value", "-1"),
        ("value", "four"),
        ("value", "9999999"),
        ("unit", "<x-odd>"),
        ("keep_last", "-2"),
        ("keep_daily", "1.5"),
        ("keep_within", "for ever"),
        ("min_age", "\"'><script>"),
        ("time_zone", "Mars"),
    ],
)
def test_what_is_wrong_is_said_and_stays_typed(console: Console, field: str, value: str) -> None:
    page = update(console, {"scope": "instance", "value": "4", "unit": "weeks", field: value}, 422)
    assert 'class="error"' in page.html or "Nothing was stored" in page.text
    assert "<script>" not in page.html
    assert "<x-odd>" not in page.html
    assert stored(console) is None
    console.get(f"{PATH}/retention/preview", 200, scope="instance", **{field: value})


def test_nothing_at_all_is_refused(console: Console) -> None:
    assert "Nothing was stored" in update(console, {"scope": "instance", "value": ""}, 422).text


def test_an_application_and_safety_snapshots_have_policies_of_their_own(console: Console) -> None:
    assert "of snapshots of shop" in console.get(f"{PATH}?app=shop").test_id("snapshots-retention-policy-card")
    for scope in ("app/shop", "safety-snapshots"):
        update(console, {"scope": scope, "value": "1", "unit": "weeks"})
        assert stored(console, scope) == Rules(ttl="168h")
    assert stored(console) is None
    console.post(f"{PATH}/retention/remove", {"scope": "app/shop"})
    assert stored(console, "app/shop") is None


@pytest.mark.parametrize("scope", ["", "x", "app/", "app/nope", "schedule/nope", "app/../x", "<x-odd>"])
def test_a_scope_that_there_is_not_is_refused(console: Console, scope: str) -> None:
    answer = console.browser.post(
        f"{PATH}/retention", data={"csrf": "of this session", "scope": scope, "value": "1", "unit": "weeks"}
    )
    assert answer.status_code in (400, 422)
    assert "<x-odd>" not in answer.text


def test_a_policy_that_cannot_be_read_is_said_to_delete_nothing(console: Console) -> None:
    odd = retention.to_config_map("instance", Rules(ttl="1h"), "snapline-console")
    odd["data"]["keep_last"] = "many"
    objects.apply(console.front.cluster, CONFIG_MAPS, odd)
    assert "What is set cannot be read, so nothing is deleted" in console.get(PATH).text


def test_what_no_scope_is_belongs_to_nobody(console: Console) -> None:
    with pytest.raises(Invalid):
        app_of(console.front.session, "elsewhere")


# --- who may


def test_who_may_only_look_changes_nothing(console: Console) -> None:
    console.access.who = Identity("s", "support")
    page = console.get(PATH)
    assert "Update retention policy" not in page.text
    assert page.has("snapshots-retention-policy-card")
    update(console, LAST_TWO, 403)
    console.post(f"{PATH}/retention/remove", {"scope": "instance"}, 403)


def test_who_has_one_application_sees_and_sets_its_policy_alone(console: Console) -> None:
    update(console, {"scope": "instance", "value": "1", "unit": "years"})
    console.access.who = SHOPKEEPER
    page = console.get(PATH)
    assert "of snapshots of shop" in page.test_id("snapshots-retention-policy-card")
    assert "Full snapshots" not in page.text
    update(console, {"scope": "app/shop", "value": "1", "unit": "weeks"})
    for scope in ("instance", "safety-snapshots", "app/ledger", "schedule/nightly"):
        update(console, {"scope": scope, "value": "1", "unit": "weeks"}, 403)
        console.post(f"{PATH}/retention/remove", {"scope": scope}, 403)
        console.get(f"{PATH}/retention/preview", 403, scope=scope, value="1", unit="weeks")
        assert "instance-" not in console.get(PATH, 200, scope=scope).text
    assert stored(console) == Rules(ttl="8766h")
