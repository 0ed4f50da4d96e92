"""Looking into a snapshot: objects, files, what a download brings, two side by side."""

import io
import zipfile
from pathlib import Path

from playwright.sync_api import Download, Locator, expect

from tests.browser.living import Place
from tests.browser.people import Person

APP = "shop-floor"
LEFT_OUT = "LEFT-OUT.txt"
"""In it stands what no zip file can hold; a name that is no text is written in another way."""


def test_an_object_is_shown_and_a_secret_only_when_it_is_asked_for(anybody: Person, full: str) -> None:
    anybody.opens(f"/snapshots/details/{full}")
    anybody.presses("Look inside")
    anybody.finds_no_fault("inside")
    anybody.opens(f"/snapshots/inside/{full}?q=Secret")
    anybody.page.locator("ul.names a").first.click()
    anybody.sees("object-yaml", "kind: Secret")
    anybody.finds_no_fault("inside-secret")
    anybody.at("reveal").click()
    anybody.reads("The values are shown once, on this page")
    anybody.presses("Look inside")
    expect(anybody.page.get_by_role("heading", name="Look inside")).to_be_visible()


def test_a_file_is_downloaded_and_is_the_one_that_was_backed_up(anybody: Person, place: Place, partial: str) -> None:
    files = _files_of(anybody, partial)
    with anybody.page.expect_download() as coming:
        files.locator("a", has_text="Download").first.click()
    name, content = _came(coming.value)
    assert content in [path.read_bytes() for path in _there(place) if path.name == name]


def test_a_folder_is_downloaded_as_a_zip_file_that_has_all_of_it(anybody: Person, place: Place, partial: str) -> None:
    _files_of(anybody, partial)
    with anybody.page.expect_download() as coming:
        anybody.at("download-zip").click()
    _, content = _came(coming.value)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        names = {Path(each.filename).name for each in packed.infolist() if not each.is_dir()}
    names = {name for name in names - {LEFT_OUT} if "_xff" not in name}
    assert names <= {path.name for path in _there(place)}
    assert names


def test_two_snapshots_are_laid_side_by_side(anybody: Person, full: str, partial: str) -> None:
    anybody.opens(f"/snapshots/compare?before={full}&after={partial}")
    anybody.reads("Objects")
    anybody.finds_no_fault("compare")


def _files_of(person: Person, snapshot: str) -> Locator:
    person.opens(f"/snapshots/inside/{snapshot}")
    person.page.get_by_role("link", name=f"{APP}/").first.click()
    person.sees("file-row-0")
    person.finds_no_fault("inside-files")
    return person.page.locator("main table")


def _came(download: Download) -> tuple[str, bytes]:
    return download.suggested_filename, Path(download.path()).read_bytes()


def _there(place: Place) -> list[Path]:
    directories = [path for key, path in place.line.volume_directories() if key.startswith(f"{APP}/")]
    return [file for directory in directories for file in directory.rglob("*") if file.is_file()]
