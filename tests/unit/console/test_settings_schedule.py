"""The settings page, schedules: KOTS' intervals and words, the runs that are next, and who may change which."""

from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import destinations, objects, schedules
from producers.console.pages.settings.schedule import INSTANCE
from producers.views import schedules as views
from producers.views.settings.schedule_words import in_words
from schemas import application
from schemas.application import Application
from schemas.destination import parse
from schemas.errors import Invalid, NotFound
from schemas.events import BackupRequested
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from schemas.schedule import Schedule, to_config_map
from tests.support.console import Console, Page
from tests.support.sealed import PASSPHRASE

PATH = "/snapshots/settings"
FULL = {"tab": "full", "enabled": "on", "interval_before": "daily", "expression_before": "0 0 * * *"}
PARTIAL = {**FULL, "tab": "partial", "app": "shop"}
SHOPKEEPER = Identity("keeper", "cluster-admin", frozenset({"shop"}))


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Two applications are registered."""
    console = Console(tmp_path)
    for slug, name in (("shop", "Web <Shop>"), ("ledger", "Ledger Core")):
        secret = application.to_secret(Application(slug=slug, name=name), "snapline-console")
        objects.apply(console.front.cluster, SECRETS, secret)
    return console


def stored(console: Console, name: str = INSTANCE) -> Schedule:
    return views.stored(console.front.session, name)


def update(console: Console, values: dict[str, str], status: int = 303) -> Page:
    return console.post(f"{PATH}/schedule", {"interval": "daily", "expression": "0 0 * * *", **values}, status)


# --- by KOTS' names


def test_the_card_has_the_names_that_scripts_know(console: Console) -> None:
    page = console.get(PATH)
    for name in (
        "snapshots-schedule-card",
        "full-snapshots-schedule-tab",
        "partial-snapshots-schedule-tab",
        "enable-scheduled-snapshots-checkbox",
        "snapshots-schedule-interval",
        "snapshots-schedule-cron-expression",
    ):
        assert page.has(name)
    assert page.test_id("enable-scheduled-snapshots-label") == "Enable scheduled snapshots"
    assert not page.has("partial-snapshots-schedule-app-select")
    assert not page.has("snapshots-schedule-update-confirmation")
    assert "Update schedule</button>" in page.html


@pytest.mark.parametrize("address", [f"{PATH}?shop", f"{PATH}?shop=", f"{PATH}?app=shop"])
def test_the_address_of_an_application_shows_its_schedule(console: Console, address: str) -> None:
    page = console.get(address)
    assert "Web <Shop>" in page.test_id("partial-snapshots-schedule-app-select")
    assert '<option value="shop" selected>' in page.html


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 0 * * SUN", "At 12:00 AM, only on Sunday"),
        ("0 0 * * *", "At 12:00 AM"),
        ("0 * * * *", "Every hour"),
        ("30 2 * * MON-FRI", "At 02:30 AM, Monday through Friday"),
        ("@every 6h", "Every 6 hours"),
        ("@every 1h", "Every 1 hour"),
        ("daily", "At 12:00 AM"),
    ],
)
def test_an_expression_is_said_as_kots_says_it(expression: str, said: str) -> None:
    assert in_words(expression) == said


def test_what_is_typed_is_said_with_its_next_runs_and_their_time_zone(console: Console) -> None:
    typed = {**FULL, "interval": "custom", "expression": "0 2 * * SUN", "time_zone": "Europe/Berlin"}
    page = console.get(f"{PATH}/schedule/preview", 200, **typed)
    assert page.test_id("snapshots-schedule-human-readable-cron-expression") == "At 02:00 AM, only on Sunday"
    assert "Sun 29 Nov 02:00 CET" in page.text


@pytest.mark.parametrize("expression", ["", "* *", "61 * * * *", "0 0 31 2 *", "@sometimes", "@every 1s", "<x-odd>"])
def test_what_is_no_expression_is_said_in_kots_words(console: Console, expression: str) -> None:
    typed = {**FULL, "interval": "custom", "expression": expression}
    page = console.get(f"{PATH}/schedule/preview", 200, **typed)
    assert page.test_id("snapshots-schedule-human-readable-cron-expression") == "Enter a valid Cron Expression"
    page = update(console, typed, 422)
    assert "Enter a valid Cron Expression" in page.text
    assert "<x-odd>" not in page.html
    with pytest.raises(NotFound):
        stored(console)


def test_what_was_stored_is_confirmed_beside_the_button(console: Console) -> None:
    answer = update(console, FULL)
    page = console.get(answer.location)
    assert page.test_id("snapshots-schedule-update-confirmation") == "Schedule updated"


# --- what is stored


def test_of_interval_and_expression_the_one_counts_that_was_changed(console: Console) -> None:
    for interval, expression, kept in (
        ("weekly", "0 0 * * *", "0 0 * * MON"),  # only the choice: without a script the field stays as it was
        ("daily", "5 5 * * *", "5 5 * * *"),
        ("weekly", "6 6 * * *", "6 6 * * *"),
        ("custom", "0 0 * * *", "0 0 * * *"),
    ):
        update(console, {**FULL, "interval": interval, "expression": expression})
        assert stored(console).expression == kept


def test_a_schedule_that_is_switched_off_is_kept_and_has_no_runs(console: Console) -> None:
    update(console, {**FULL, "enabled": ""})
    assert stored(console).paused
    assert 'data-testid="enable-scheduled-snapshots-checkbox" checked' not in console.get(PATH).html
    update(console, FULL)
    assert not stored(console).paused


def test_an_application_has_a_schedule_of_its_own(console: Console) -> None:
    answer = update(console, PARTIAL)
    assert answer.location == f"{PATH}?app=shop&done=schedule"
    assert stored(console, "shop").app == "shop"
    with pytest.raises(NotFound):
        stored(console)


def test_everything_that_a_schedule_has_is_shown_and_stored(console: Console) -> None:
    fields = {"provider": "directory", "name": "nas", "path": "/mnt", "passphrase": PASSPHRASE}
    destinations.keep(console.front.session, parse(fields))
    more = {
        "time_zone": "Europe/Berlin",
        "destination": "default",
        "copy_to": "nas",
        "ttl": "2 weeks",
        "jitter": "10m",
        "blackouts": "MON-FRI 08:00-18:00\r\n22:00-23:00",
        "missed": "skip",
    }
    update(console, {**FULL, **more})
    found = stored(console)
    assert (found.time_zone, found.destination, found.copy_to, found.ttl) == (
        "Europe/Berlin",
        "default",
        ("nas",),
        "336h",
    )
    assert (found.jitter, found.blackouts, found.missed) == ("10m", ("MON-FRI 08:00-18:00", "22:00-23:00"), "skip")
    page = console.get(PATH)
    for shown in ("Europe/Berlin", "2 weeks", "10m", "MON-FRI 08:00-18:00", 'value="nas" checked'):
        assert shown in page.html
    update(console, FULL)
    assert stored(console) == Schedule(name=INSTANCE, expression="0 0 * * *", since=stored(console).since)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("jitter", "-3m"),
        ("jitter", "soon"),
        ("ttl", "for ever"),
        ("blackouts", "never"),
        ("blackouts", "00:00-24:00"),
        ("missed", "twice"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_stays_typed(console: Console, field: str, value: str) -> None:
    page = update(console, {**FULL, field: value}, 422)
    assert f'id="schedule-{field}-error"' in page.html
    if field != "missed":
        assert value in page.html


def test_a_destination_that_there_is_not_is_refused(console: Console) -> None:
    page = update(console, {**FULL, "destination": "gone"}, 422)
    assert "Nothing was stored" in page.text


# --- others, by name


def test_a_verification_has_a_schedule_too(console: Console) -> None:
    assert "Add a schedule" in console.get(f"{PATH}?schedule=").test_id("snapshots-schedule-card")
    new = {**FULL, "tab": "other", "new": "1", "name": "reads", "does": "verify", "depth": "full", "within": "10 days"}
    update(console, new)
    found = stored(console, "reads")
    assert (found.does, found.depth, found.within) == ("verify", "full", "240h")
    assert "Verifies everything" in console.get(PATH).text
    assert "there is a schedule reads already" in update(console, new, 422).text


@pytest.mark.parametrize("name", ["", "A b", "x" * 60, "../x", "<x-odd>"])
def test_a_name_that_no_schedule_has_is_refused(console: Console, name: str) -> None:
    page = update(console, {**FULL, "tab": "other", "new": "1", "name": name}, 422)
    assert "Nothing was stored" in page.text
    assert "<x-odd>" not in page.html


def test_one_is_paused_resumed_run_at_once_and_removed(console: Console) -> None:
    update(console, PARTIAL)
    console.post(f"{PATH}/schedules/shop/pause")
    assert stored(console, "shop").paused
    console.post(f"{PATH}/schedules/shop/resume")
    assert not stored(console, "shop").paused
    console.post(f"{PATH}/schedules/shop/run")
    [asked] = console.front.bus.published
    assert isinstance(asked.data, BackupRequested)
    assert asked.data.app == "shop"
    page = console.post(f"{PATH}/schedules/shop/remove", status=409)
    assert "The snapshots that it has taken stay." in page.text
    assert stored(console, "shop")
    console.post(f"{PATH}/schedules/shop/remove", {"sure": "1"})
    with pytest.raises(NotFound):
        stored(console, "shop")
    console.post(f"{PATH}/schedules/shop/pause", status=404)


def test_one_that_cannot_be_read_hides_no_other_and_is_replaced(console: Console) -> None:
    update(console, PARTIAL)
    odd = to_config_map(Schedule(name=INSTANCE, expression="0 0 * * *"), "snapline-console")
    odd["data"]["expression"] = "<odd>"
    objects.apply(console.front.cluster, CONFIG_MAPS, odd)
    with pytest.raises(Invalid):
        stored(console)
    page = console.get(PATH)
    assert "Cannot be read" in page.text
    assert "Snapshot of shop" in page.text
    assert "<odd>" not in page.html
    update(console, FULL)
    assert stored(console).expression == "0 0 * * *"


# --- who may


def test_who_may_only_look_changes_nothing(console: Console) -> None:
    update(console, FULL)
    console.access.who = Identity("s", "support")
    page = console.get(PATH)
    assert "Update schedule</button>" not in page.html
    assert "Run now" not in page.text
    update(console, FULL, 403)
    for deed in ("pause", "resume", "run", "remove"):
        console.post(f"{PATH}/schedules/instance/{deed}", status=403)
    assert not stored(console).paused


def test_who_has_one_application_sees_and_changes_its_schedule_alone(console: Console) -> None:
    update(console, FULL)
    update(console, {**PARTIAL, "app": "ledger"})
    console.access.who = SHOPKEEPER
    page = console.get(PATH)
    assert "Ledger" not in page.text
    assert not page.has("full-snapshots-schedule-tab")
    assert "Snapshot of everything" not in page.text
    update(console, PARTIAL)
    assert stored(console, "shop").app == "shop"


@pytest.mark.parametrize(
    "values",
    [
        FULL,
        {**FULL, "app": "shop"},
        {**PARTIAL, "app": "ledger"},
        {**FULL, "tab": "other", "name": "ledger", "app": "shop"},
        {**FULL, "tab": "other", "name": INSTANCE, "app": "shop"},
        {**FULL, "tab": "other", "name": "mine", "app": ""},
        {**FULL, "tab": "other", "name": "mine", "new": "1", "app": "ledger"},
    ],
)
def test_nobody_reaches_the_schedule_of_another_application(console: Console, values: dict[str, str]) -> None:
    update(console, FULL)
    update(console, {**PARTIAL, "app": "ledger"})
    before = [stored(console), stored(console, "ledger")]
    console.access.who = SHOPKEEPER
    update(console, {**values, "interval": "hourly"}, 403)
    assert [stored(console), stored(console, "ledger")] == before
    console.get(f"{PATH}?schedule=ledger", 200)
    assert "Ledger" not in console.get(f"{PATH}?schedule=ledger").text
    for deed in ("pause", "resume", "run", "remove"):
        console.post(f"{PATH}/schedules/ledger/{deed}", status=403)


def test_no_other_application_is_found_by_its_address(console: Console) -> None:
    console.access.who = SHOPKEEPER
    assert '<option value="shop" selected>' in console.get(f"{PATH}?ledger").html
    assert "edger" not in console.get(f"{PATH}?app=ledger").text


def test_a_schedule_whose_past_cannot_be_told_is_shown_all_the_same(console: Console) -> None:
    schedules.put(console.front.session, None, "0 3 * * *")
    moved = stored(console).model_copy(update={"destination": "gone"})
    made = to_config_map(moved, "snapline-console")
    objects.apply(console.front.cluster, CONFIG_MAPS, made)
    assert "What became of its runs cannot be told" in console.get(PATH).text
