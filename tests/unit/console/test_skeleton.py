"""What all pages have in common: the frame, who may see it, and what is said when it cannot be shown."""

import re
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.console.rendering import environment
from tests.support.console import Console


def test_who_is_not_signed_in_is_led_to_the_sign_in(tmp_path: Path) -> None:
    console = Console(tmp_path, who=None)
    answer = console.browser.get("/styleguide?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fstyleguide%3Fx%3D1")


def test_the_frame_has_the_names_that_scripts_know(tmp_path: Path) -> None:
    page = Console(tmp_path).get("/styleguide")
    assert page.has("root-container")
    assert page.has("navbar-dropdown-button")
    assert page.has("log-out")
    assert 'class="NavItem" href="/snapshots"' in page.html


def test_a_page_that_is_not_there_says_so_in_the_frame(tmp_path: Path) -> None:
    page = Console(tmp_path).get("/nowhere", 404)
    assert "There is no such page" in page.text


def test_a_form_of_another_site_is_refused(tmp_path: Path) -> None:
    answer = Console(tmp_path).browser.post("/theme", data={"theme": "dark"})
    assert answer.status_code == 403


def test_a_theme_is_kept_and_leads_nowhere_else(tmp_path: Path) -> None:
    console = Console(tmp_path)
    assert console.post("/theme", {"theme": "dark", "back": "//elsewhere.example/"}).location == "/"
    assert 'data-theme="dark"' in console.get("/styleguide").html


def test_no_page_has_a_style_or_a_script_of_its_own() -> None:
    for name in environment().list_templates():
        source = environment().loader.get_source(environment(), name)[0]  # type: ignore[union-attr]
        assert " style=" not in source, name
        assert "<script>" not in source, name
        assert " onclick" not in source, name


def test_no_paragraph_holds_what_would_end_it() -> None:
    for name in environment().list_templates():
        source = environment().loader.get_source(environment(), name)[0]  # type: ignore[union-attr]
        found = re.search(r"<p\b(?:(?!</p>).)*?<(form|div|ul|ol|table|dl|details|section|h\d)\b", source, re.DOTALL)
        assert found is None, (name, found and found[0])


@pytest.mark.parametrize("role", ["operator", "support"])
def test_only_who_may_administer_is_led_to_the_users(tmp_path: Path, role: str) -> None:
    page = Console(tmp_path, who=Identity("o", role)).get("/styleguide")  # type: ignore[arg-type]
    assert "Users and tokens" not in page.text
