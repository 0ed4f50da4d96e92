"""Signing in and out: by a password, for as long as a session lasts, and as nobody else."""

from pathlib import Path

import pytest

from producers.access import first_start, kept, sessions, users
from schemas import events as e
from schemas.errors import TransientError
from schemas.kubernetes import NAMESPACES, SECRETS
from tests.support.gate import CHEAP, OTHER, PASSWORD, Gate, gate

WRONG = "not the password at all"


@pytest.fixture
def console(tmp_path: Path) -> Gate:
    made = gate(tmp_path)
    made.user()
    made.user("mira", "operator", frozenset({"shop"}))
    return made


def audited(console: Gate) -> list[tuple[str, str, str]]:
    """Who, did what, and whether."""
    told = [event.data for event in console.front.bus.audited]
    return [(each.who, each.act, each.outcome) for each in told if isinstance(each, e.AuditRecorded)]


def test_one_field_signs_in_as_admin_and_leads_back(console: Gate) -> None:
    browser = console.browser()
    assert browser.get("/account").headers["location"] == "/sign-in?next=%2Faccount"
    page = browser.get("/sign-in?next=/account").text
    assert 'data-testid="login-password-input"' in page
    assert 'placeholder="password"' in page
    answer = browser.post("/sign-in", {"password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "admin" in browser.get("/account").text
    assert audited(console) == [("admin", "sign-in", "done")]


def test_another_user_signs_in_by_name_with_a_role_and_applications(console: Gate) -> None:
    page = console.signed_in("mira").get("/account").text
    assert "operator" in page
    assert "shop" in page


@pytest.mark.parametrize("next_", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nb", "x", ""])
def test_nobody_is_led_to_another_site(console: Gate, next_: str) -> None:
    assert console.browser().sign_in(next=next_).headers["location"] == "/"


def test_a_wrong_password_says_how_many_tries_are_left(console: Gate) -> None:
    answer = console.browser().sign_in(password=WRONG)
    assert answer.status_code == 403
    assert "That is not the password. 4 tries are left; then logging in pauses for 5 min." in answer.text
    assert audited(console) == [("admin", "sign-in", "refused")]


def test_after_too_many_wrong_passwords_even_the_right_one_has_to_wait(console: Gate) -> None:
    browser = console.browser()
    for left in (4, 3, 2, 1):
        assert f"{left} tr{'ies are' if left > 1 else 'y is'} left" in browser.sign_in(password=WRONG).text
    last = browser.sign_in(password=WRONG)
    assert (last.status_code, last.headers["retry-after"]) == (429, "301")
    console.time.passes(60)
    answer = console.browser().sign_in()
    assert answer.status_code == 429
    assert "Too many wrong passwords: logging in pauses until 12:05:00 UTC" in answer.text
    assert console.browser().sign_in("mira").status_code == 303
    console.time.passes(240)
    assert browser.sign_in().status_code == 303


def test_the_password_cannot_be_guessed_by_changing_it_either(console: Gate) -> None:
    browser = console.signed_in()
    form = {"password": WRONG, "new": OTHER, "again": OTHER}
    assert [browser.post("/account/password", form).status_code for _ in range(6)] == [403] * 4 + [429] * 2
    outside = console.browser()
    assert outside.post("/sign-in/new-password", {**form, "name": "admin", "password": PASSWORD}).status_code == 429


def test_a_name_that_nobody_has_gets_the_same_answer_and_is_written_nowhere(console: Gate) -> None:
    known, unknown = console.browser(), console.browser()
    said = [known.sign_in("mira", WRONG), unknown.sign_in("miro", WRONG)]
    assert {answer.status_code for answer in said} == {403}
    first, second = said[0].text, said[1].text.replace("miro", "mira")
    assert first.replace(known.csrf(), "") == second.replace(unknown.csrf(), "")
    assert ("(unknown)", "sign-in", "refused") in audited(console)
    assert "miro" not in str([event.data for event in console.front.bus.audited])


def test_a_session_ends_by_logging_out_also_for_who_has_a_copy_of_its_cookie(console: Gate) -> None:
    browser = console.signed_in()
    cookies = browser.cookies
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    thief = console.browser(cookies)
    assert not thief.is_signed_in
    assert not browser.is_signed_in
    assert audited(console)[-1] == ("admin", "sign-out", "done")


def test_a_session_ends_when_it_is_not_used_and_in_any_case(console: Gate) -> None:
    idle, used = console.signed_in(), console.signed_in()
    for _ in range(11):
        console.time.passes(3600)
        assert used.is_signed_in
    assert not idle.is_signed_in
    console.time.passes(3700)
    assert not used.is_signed_in


def test_a_session_outlives_the_console(console: Gate) -> None:
    cookies = console.signed_in().cookies
    assert console.again().browser(cookies).is_signed_in


def test_only_a_digest_of_a_session_is_kept(console: Gate) -> None:
    [id_] = [value for name, value in console.signed_in().cookies.items() if name == "snapline"]
    [kept] = [each for each in console.front.cluster.live(SECRETS) if each["metadata"]["name"] == sessions.NAME]
    assert id_ not in str(kept)
    assert list(kept["data"]) == [sessions.digest_of(id_)]
    assert kept["metadata"]["labels"]["velero.io/exclude-from-backup"] == "true"


def test_a_session_that_was_there_before_the_sign_in_is_not_the_one_after_it(console: Gate) -> None:
    given = {"snapline": "chosen-by-somebody-else-1234567890", "snapline-visit": "also-chosen-by-somebody-else"}
    victim = console.browser(given)
    assert victim.sign_in().status_code == 303
    assert victim.is_signed_in
    assert victim.cookies["snapline"] != given["snapline"]
    assert not console.browser(given).is_signed_in


def test_signing_in_again_ends_the_session_before(console: Gate) -> None:
    browser = console.signed_in("mira")
    before = browser.cookies
    token = browser.csrf()
    assert browser.post("/sign-in", {"password": PASSWORD}, csrf=token).status_code == 303
    assert not console.browser(before).is_signed_in
    assert browser.is_signed_in


def test_cookies_are_for_us_alone_and_over_tls_where_there_is_any(console: Gate, tmp_path: Path) -> None:
    header = console.browser().sign_in().headers.get_list("set-cookie")
    [cookie] = [each for each in header if each.startswith("snapline=") and "Max-Age=0" not in each]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie
    safe = gate(tmp_path, console_url="https://snapline.example.com")
    safe.user()
    header = safe.browser(base_url="https://snapline.example.com").sign_in().headers.get_list("set-cookie")
    [cookie] = [each for each in header if each.startswith("__Host-snapline=")]
    assert "Secure" in cookie
    assert "Path=/;" in cookie


def test_the_first_start_makes_a_password_that_works_once(tmp_path: Path) -> None:
    console = gate(tmp_path)
    password = first_start.one_time_password(console.session, console.door.door.passwords)
    assert password is not None
    assert first_start.one_time_password(console.session, console.door.door.passwords) is None
    assert password not in str(list(console.front.cluster.live(SECRETS)))
    browser = console.browser()
    answer = browser.sign_in(password=password)
    assert answer.headers["location"].startswith("/sign-in/new-password?name=admin")
    assert not browser.is_signed_in
    new = {"name": "admin", "password": password, "new": OTHER, "again": OTHER}
    weak = {**new, "new": "short", "again": "short"}
    assert "it takes 12 at least" in browser.post("/sign-in/new-password", weak).text
    assert "in two ways" in browser.post("/sign-in/new-password", {**new, "again": PASSWORD}).text
    assert browser.post("/sign-in/new-password", new).status_code == 303
    assert browser.is_signed_in
    assert console.browser().sign_in(password=password).status_code == 403
    assert console.browser().sign_in(password=OTHER).status_code == 303


def test_a_hash_that_somebody_has_put_there_before_is_taken(tmp_path: Path) -> None:
    console = gate(tmp_path)
    metadata = {"name": "snapline-console-user-admin", "namespace": "snapline-console"}
    data = {"password-hash": kept.encoded(CHEAP.hash(PASSWORD) + "\n")}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "snapline-console"}}
    console.front.cluster.create(NAMESPACES, namespace)
    console.front.cluster.create(SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    assert first_start.one_time_password(console.session, console.door.door.passwords) is None
    assert console.browser().sign_in().status_code == 303


def test_another_password_ends_all_other_sessions(console: Gate) -> None:
    here, there = console.signed_in("mira"), console.signed_in("mira")
    answer = here.post("/account/password", {"password": PASSWORD, "new": OTHER, "again": OTHER})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=password")
    assert here.is_signed_in
    assert not there.is_signed_in
    assert audited(console)[-1] == ("mira", "administer", "done")


@pytest.mark.parametrize("new", ["short", "mira mira mira", "aaaaaaaaaaaaaaaa", "x" * 1001, PASSWORD])
def test_a_password_that_is_easily_guessed_is_refused(console: Gate, new: str) -> None:
    browser = console.signed_in("mira")
    answer = browser.post("/account/password", {"password": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 400
    assert "the new password" in answer.text.lower()


def test_a_role_or_grant_that_is_taken_away_is_gone_within_seconds(console: Gate) -> None:
    browser = console.signed_in("mira")
    console.user("mira", "support", frozenset())
    console.time.passes(6)
    # Another password is another stamp, so the session has ended, too.
    assert not browser.is_signed_in
    users.remove(console.session, "mira")
    assert console.browser().sign_in("mira").status_code == 403


def test_pages_go_on_for_those_who_are_known_while_the_cluster_is_away(
    console: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = console.signed_in()
    assert browser.is_signed_in

    def away(*_: object, **__: object) -> None:
        raise TransientError("the API server does not answer")

    for name in ("get", "list", "patch", "create"):
        monkeypatch.setattr(console.front.cluster, name, away)
    console.time.passes(120)
    assert browser.is_signed_in
    assert console.browser().sign_in().status_code == 503
