"""The API is served beside the pages, to the same people, and answers programs in their own way."""

from pathlib import Path

from tests.support.console import TOKEN, Console


def test_the_api_answers_beside_the_pages(tmp_path: Path) -> None:
    console = Console(tmp_path)
    assert console.browser.get("/api/v1/snapshots").json() == {"error": "", "backups": []}
    assert console.browser.get("/openapi.json").json()["openapi"] == "3.1.0"
    unknown = console.browser.get("/api/v1/nothing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert console.browser.post("/events").status_code == 401


def test_a_browser_needs_more_than_its_cookie_to_change_something(tmp_path: Path) -> None:
    console = Console(tmp_path)
    assert console.browser.post("/api/v1/snapshot/backup").status_code == 403
    assert console.browser.post("/api/v1/snapshot/backup", headers={"X-CSRF-Token": TOKEN}).status_code == 200


def test_nobody_is_sent_to_a_page_by_the_api(tmp_path: Path) -> None:
    answer = Console(tmp_path, who=None).browser.get("/api/v1/snapshots")
    assert (answer.status_code, answer.json()["code"]) == (401, "NotSignedIn")
