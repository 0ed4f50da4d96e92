"""Applications in the console: registered, changed and removed by forms; what a license says is seen before it is
stored, and is never in a page."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.access.identity import Identity
from schemas import application, events
from schemas.application import Application
from schemas.errors import NotFound
from schemas.kubernetes import SECRETS
from tests.support.console import TOKEN, Console, Page, read
from tests.support.front import NOON
from tests.support.registered import register, shelf_of
from tests.unit.console.test_license import console as with_keys
from tests.unit.console.test_license import signed as signed_license
from tests.unit.console.test_license import stranger

BACKUP = """apiVersion: velero.io/v1
kind: Backup
metadata: {name: backup}
spec:
  includedNamespaces: [shop-data]
  snapshotVolumes: true
  hooks: {resources: [{name: dump, pre: [{exec: {command: [dump, hunter2]}}]}]}
"""
NEW, LIST = "/apps/new", "/apps"


def signed(slug: str, **more: Any) -> str:
    """A license, without the end of its last line, which forms leave out. Each is another one."""
    return signed_license(slug, **more).strip()


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Nothing is registered."""
    return with_keys(tmp_path)


def stored(of: Console, slug: str = "shop") -> Application:
    """What is registered. Raises NotFound."""
    place = of.front.session.settings.console_namespace, application.secret_name(slug)
    return application.from_secret(of.front.cluster.get(SECRETS, *place))


def sends(
    of: Console, path: str, values: Mapping[str, str], status: int, files: Mapping[str, bytes] | None = None
) -> Page:
    """What the form brings about, with files as a browser sends them."""
    named = {f"{name}_yaml" if name in ("license", "backup") else name: value for name, value in values.items()}
    parts = {f"{name}_file": (f"{name}.yaml", body) for name, body in (files or {}).items()}
    answer = of.browser.post(path, data={"csrf": TOKEN, **named}, files=parts or None)
    assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    page = read(answer.text)
    page.location = answer.headers.get("location", "")
    return page


def again(page: Page) -> dict[str, str]:
    """The hidden fields of the form on the page, and what is typed in the others."""
    found = re.findall(r'<input id="app-\w+" name="(\w+)" type="text" value="([^"]*)"', page.html)
    found += re.findall(r'<input type="hidden" name="(held|looked)" value="([^"]*)"', page.html)
    return dict(found)


def registers(of: Console, values: dict[str, str], files: Mapping[str, bytes] | None = None) -> Page:
    """Sends the form, looks at what it says, and sends it again."""
    looked = sends(of, NEW, values, 409, files)
    return sends(of, NEW, again(looked), 303)


# --- what the pages say


def test_without_an_application_all_pages_lead_to_the_form(console: Console) -> None:
    for path in ("/", LIST, "/license", "/snapshots/partial", "/snapshots/settings", "/snapshots/settings?app="):
        assert f'href="{NEW}"' in console.get(path).html, path
    assert "Register an application" in console.get("/search", 200, q="register").text + console.get(NEW).text


def test_the_picker_leads_to_the_registration(console: Console) -> None:
    register(console, "shop")
    assert 'href="/app/shop/registration"' in console.get("/snapshots/partial/shop").html


def test_the_list_tells_what_each_license_says(console: Console) -> None:
    register(console, "ledger")
    registers(
        console, {"license": signed("shop", expires_at=(NOON + timedelta(days=9)).isoformat()), "name": "The Shop"}
    )
    text = console.get(LIST).text
    assert "The Shop shop Expires soon expires in 9 d" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Ledger ledger Missing" in text


def test_a_registration_that_cannot_be_read_is_told_and_can_be_replaced(console: Console) -> None:
    register(console, "shop")
    place = console.front.session.settings.console_namespace, application.secret_name("shop")
    console.front.cluster.patch(SECRETS, *place, {"data": {"sequence": "!"}})
    assert "shop cannot be read" in console.get(LIST).text
    path, text = "/app/shop/registration", signed("shop")
    assert "What is stored cannot be read" in console.get(path).text
    looked = sends(console, path, {"license": text}, 409)
    sends(console, path, again(looked), 303)
    assert stored(console).license == text


# --- registering


def test_what_the_license_and_the_backup_resource_say_is_shown_before_anything_is_stored(console: Console) -> None:
    page = sends(console, NEW, {"license": signed("shop", customer="ACME"), "backup": BACKUP}, 409)
    said = page.test_id("registration-preview")
    assert "Not stored yet" in said
    for text in ("Customer ACME", "Allow Snapshots On", "Expires Never", "1 hook", "shop-data", "spec.snapshotVolumes"):
        assert text in said, text
    with pytest.raises(NotFound):
        stored(console)


def test_files_register_an_application_whose_slug_the_license_has(console: Console) -> None:
    text = signed("shop")
    files = {"license": text.encode(), "backup": BACKUP.encode()}
    values = {"name": "The Shop", "namespaces": "shop, shop-jobs shop", "version": "1.2", "sequence": "7"}
    page = registers(console, values, files)
    assert page.location == "/app/shop/registration?done=registered"
    assert stored(console) == Application(
        slug="shop",
        name="The Shop",
        version="1.2",
        sequence=7,
        namespaces=["shop", "shop-jobs"],
        license=text,
        backup=BACKUP,
    )
    assert "Registered" in console.get(page.location).test_id("registered")


def test_it_is_in_the_picker_at_once(console: Console) -> None:
    console.get("/snapshots/partial")
    registers(console, {"license": signed("shop")})
    assert [each.slug for each in shelf_of(console).apps()[0]] == ["shop"]


def test_what_was_changed_after_it_was_seen_is_shown_again(console: Console) -> None:
    looked = sends(console, NEW, {"license": signed("shop", customer="ACME")}, 409)
    page = sends(console, NEW, {**again(looked), "license": signed("shop", customer="Globex")}, 409)
    assert "Globex" in page.test_id("registration-preview")


def test_no_page_has_the_license_or_the_commands(console: Console) -> None:
    text = signed("shop")
    page = sends(console, NEW, {"license": text, "backup": BACKUP}, 409)
    sends(console, NEW, again(page), 303)
    signature = next(line.split()[-1] for line in text.splitlines() if "signature" in line)
    for html in (page.html, console.get("/app/shop/registration").html, console.get(LIST).html):
        assert signature not in html
        assert "licenseID" not in html
        assert "hunter2" not in html


def test_what_is_held_is_for_whom_sent_it_alone(console: Console) -> None:
    looked = sends(console, NEW, {"license": signed("shop")}, 409)
    console.access.who = Identity("other", "cluster-admin")
    page = sends(console, NEW, again(looked), 422)
    assert "this is needed" in page.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("slug", "The Shop", "DNS label"),
        ("slug", "console", "the Admin Console"),
        ("namespaces", "shop,No_Such", "DNS label"),
        ("sequence", "seven", "no whole number"),
        ("name", "x" * 301, "too long"),
        ("license", "kind: Nothing", "not valid"),
        ("license", " ", "this is needed"),
        ("backup", "kind: Deployment", "Backup"),
        ("backup", "{", "Backup"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    console: Console, field: str, value: str, said: str
) -> None:
    values = {"slug": "shop", "name": "The Shop", "license": signed("shop"), field: value}
    page = sends(console, NEW, values, 422)
    [wrong] = re.findall(rf'id="app-{field}-error"[^>]*>(.*?)</span>', page.html, re.DOTALL)
    assert said in wrong
    assert field == "name" or 'value="The Shop"' in page.html
    with pytest.raises(NotFound):
        stored(console)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * (1024 * 1024 + 1)])
def test_a_file_that_is_no_text_or_too_long_is_refused(console: Console, body: bytes) -> None:
    page = sends(console, NEW, {"slug": "shop"}, 422, {"license": body})
    assert "this file is" in page.text


def test_one_that_is_registered_already_is_not_taken_over(console: Console) -> None:
    register(console, "shop")
    assert "registered already" in sends(console, NEW, {"license": signed("shop")}, 422).text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (lambda: signed("shop", allow_snapshots=False), "does not allow snapshots"),
        (lambda: signed("shop", expires_at="2020-01-01"), "expired"),
        (lambda: signed("other"), "is for the application"),
        (lambda: signed("shop", by=stranger), "not valid"),
    ],
)
def test_a_license_that_is_of_no_use_is_stored_only_if_somebody_says_so(console: Console, text: Any, why: str) -> None:
    license = text()
    refused = sends(console, NEW, {"slug": "shop", "license": license}, 422)
    assert why in refused.text
    with pytest.raises(NotFound):
        stored(console)
    sends(console, NEW, {**again(refused), "force": "on"}, 303)
    assert stored(console).license == license


def test_without_keys_it_is_said_that_nobody_can_tell(tmp_path: Path) -> None:
    of = with_keys(tmp_path, keys=False)
    page = sends(of, NEW, {"license": signed("shop")}, 409)
    assert "Nobody can tell here" in page.test_id("registration-preview")
    sends(of, NEW, again(page), 303)
    assert stored(of).slug == "shop"


# --- changing and removing


def test_a_change_leaves_the_license_and_begins_anew_what_was_emptied(console: Console) -> None:
    text = signed("shop")
    registers(console, {"license": text, "backup": BACKUP, "version": "1", "namespaces": "shop"})
    page = console.post("/app/shop/registration", {"name": "Shop 2", "namespaces": ""})
    assert page.location == "/app/shop/registration?done=changed"
    wanted = Application(slug="shop", name="Shop 2", license=text, backup=BACKUP.strip())
    assert stored(console) == wanted


def test_the_address_says_which_is_changed(console: Console) -> None:
    register(console, "shop")
    register(console, "other")
    console.post("/app/shop/registration", {"slug": "other", "name": "Mine"})
    assert (stored(console).name, stored(console, "other").name) == ("Mine", "Other")


def test_removing_asks_and_says_that_snapshots_stay(console: Console) -> None:
    register(console, "shop")
    console.front.begin("shop-bcdfg")
    console.front.finish("shop-bcdfg", app="shop")
    text = console.get("/app/shop/registration/remove").text
    assert "1 snapshot" in text
    assert "They stay, and can be restored" in text
    assert stored(console)
    page = console.post("/app/shop/registration/remove")
    assert page.location == "/apps?done=removed&of=shop"
    assert "shop is no longer registered" in console.get(page.location).text
    with pytest.raises(NotFound):
        stored(console)


def test_what_is_not_registered_has_no_page(console: Console) -> None:
    for path in ("/app/nobody/registration", "/app/nobody/registration/remove"):
        console.get(path, 404)


# --- who may, and what is on record


def test_who_may_not_configure_sees_the_list_alone(console: Console) -> None:
    register(console, "shop")
    for who in (Identity("ola", "operator"), Identity("mira", "cluster-admin", frozenset({"shop"}))):
        console.access.who = who
        assert "Shop" in console.get(LIST).text
        assert 'href="/apps/new"' not in console.get(LIST).html
        for path in (NEW, "/app/shop/registration", "/app/shop/registration/remove"):
            console.get(path, 403)
            if not path.endswith("remove"):
                sends(console, path, {"slug": "shop", "license": signed("shop")}, 403)
        console.post("/app/shop/registration/remove", status=403)
    assert stored(console).license is None


def test_the_list_shows_who_has_grants_theirs_alone(console: Console) -> None:
    register(console, "shop")
    register(console, "ledger")
    console.access.who = Identity("mira", "operator", frozenset({"ledger"}))
    text = console.get(LIST).text
    assert "Ledger" in text
    assert "Shop" not in text


def test_registering_and_removing_are_in_the_audit_trail(console: Console) -> None:
    registers(console, {"slug": "shop", "license": signed("shop")})
    console.post("/app/shop/registration/remove")
    acts = [each.data for each in console.front.bus.audited if isinstance(each.data, events.AuditRecorded)]
    assert [(each.act, each.on, each.outcome) for each in acts] == [
        ("configure", "/apps/new slug=shop", "failed"),
        ("configure", "/apps/new slug=shop", "done"),
        ("configure", "/app/shop/registration/remove", "done"),
    ]
