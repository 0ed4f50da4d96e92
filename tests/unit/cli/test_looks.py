"""How things look in terminals of 60, 80 and 120 columns: compared with what somebody has looked at and liked.

`SNAPLINE_NEW_LOOKS=1` writes what is there now in place of it; look at the difference before it is committed."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from producers.cli import bars, rows, tables
from producers.cli.commands import files, retention
from producers.cli.render import Output, Row
from producers.views import jobs
from producers.views.applications import ApplicationView
from producers.views.catalog import open_catalog
from producers.views.pace import Pace, seen
from producers.views.progress import JobProgress, fold
from producers.views.retention import preview
from schemas import events as e
from schemas.job import backup
from schemas.license import Verdict
from schemas.messages import Message
from schemas.retention import Rules
from tests.support.front import NOON, Front, volume
from workers.repository.restore.file_listing import Listed
from workers.retention import holds

LOOKS = Path(__file__).parents[2] / "samples" / "looks"
THREE_DAYS_AGO = NOON - timedelta(days=3)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Front:
    """Backups with names of all kinds, seen three hours later."""
    monkeypatch.setattr(tables, "now", lambda: NOON + timedelta(hours=3))
    made = Front(tmp_path)
    lost = Message(code="KeysLost", text="the keys are gone")
    made.finish("instance-bcdfg", objects=1204, schedule="nightly")
    made.finish("laden-5jj2c-xyz24-before", app="laden", status="PartiallyFailed", errors=[lost], objects=7)
    made.finish(
        "shop-bcdfg",
        app="shop",
        volumes=[volume(), volume("w", "ordner", "laden")],
        requested_at=NOON - timedelta(days=3),
    )
    made.begin("shop-running")
    return made


def _list(front: Front, where: Console) -> None:
    found = [rows.backup(view) for view in open_catalog(front.session).backups()]
    tables.print_list(found, rows.backup_columns(found), where)


def _sheet(front: Front, where: Console) -> None:
    details = jobs.backup(front.store, "laden-5jj2c-xyz24-before")
    tables.print_sheet(rows.backup_details(details, (), Output.TABLE), where)


def _apps(_front: Front, where: Console) -> None:
    names = {"shop": "Der große Laden", "floor": "店 [bold]", "longest": "A name that goes on and on, as names do"}
    allowed = Verdict(True, "allowed", "")
    views = [ApplicationView(slug, name, "1.0", ("shop", "shop-data"), True, allowed) for slug, name in names.items()]
    tables.print_list([rows.application(view) for view in views], rows.APPLICATION_COLUMNS, where)


def _files(_front: Front, where: Console) -> None:
    paths = ("etc/größe/店.conf", "a directory/with \x1b[2J/in it", "deep/" * 12 + "file")
    listed = [Listed(path, "file", "0644", 1000, 1000, 123_456_789, 1_790_000_000 * 10**9) for path in paths]
    tables.print_list([files.row(each) for each in listed], files.COLUMNS, where)


def _progressing(volumes: int) -> JobProgress:
    progress = JobProgress("r", "laden-5jj2c", "copying", objects=14, parts=2)
    for number, done in zip(range(volumes), (120_000_000, 200_000_000, 5_000_000) * 9, strict=False):
        for each in (0, done):
            told = {"bytes_done": each, "bytes_total": 200_000_000, "files_done": 402}
            event = e.VolumesProgressed.model_validate({"job": "b", "volume": f"shop/data-{number}", **told})
            progress = fold(progress, event)
    return progress


def _frame(volumes: int) -> Callable[[Front, Console], None]:
    def show(_front: Front, where: Console) -> None:
        progress = _progressing(volumes)
        pace = seen(seen(Pace(), 0, 0), 10, progress.bytes_done)
        where.print(bars.frame(progress, pace, 83.4, where.width))

    return show


def _previewed(front: Front, where: Console) -> None:
    """A ladder of two days: some expire, one is held, one was not whole."""
    for hours in (2, 8, 14, 26, 50):
        name = f"nightly-{hours}"
        front.begin(name)
        front.finish(name, requested_at=NOON - timedelta(hours=hours), expires_at=NOON + timedelta(hours=30 - hours))
    holds.hold(front.store, backup("nightly-26"), "for the auditors", "ada", NOON)
    tried = {"instance": Rules(keep_last=2, keep_daily=2)}
    found = preview(front.session, tried)
    tables.print_list([retention.outcome(each) for each in found], retention.PREVIEWED, where)
    tables.print_list(*_backups(front), where)


def _backups(front: Front) -> tuple[list[Row], tuple[str, ...]]:
    found = [rows.backup(view) for view in open_catalog(front.session).backups()]
    return found, rows.backup_columns(found)


SIGHTS: dict[str, Callable[[Front, Console], None]] = {
    "list": _list,
    "sheet": _sheet,
    "apps": _apps,
    "retention": _previewed,
    "files": _files,
    "progress": _frame(3),
    "progress-of-many": _frame(20),
    "progress-before-volumes": _frame(0),
}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("sight", SIGHTS)
def test_it_looks_as_it_did(front: Front, sight: str, width: int) -> None:
    shown = StringIO()
    console = Console(
        file=shown, width=width, force_terminal=True, no_color=True, highlight=False, legacy_windows=False
    )
    SIGHTS[sight](front, console)
    text = "".join(f"{line.rstrip()}\n" for line in COLOUR.sub("", shown.getvalue()).splitlines())
    golden = LOOKS / f"{sight}-{width}.txt"
    if os.environ.get("SNAPLINE_NEW_LOOKS"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_without_colour_there_is_none(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = StringIO()
    console = Console(file=shown, width=80, force_terminal=True, highlight=False)
    for sight in SIGHTS.values():
        sight(front, console)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown.getvalue())


def test_lines_in_place_of_bars_where_there_is_no_terminal() -> None:
    shown, moments = StringIO(), iter([0.0, 0.0, 1.0, 2.0, 14.0, 15.0, 30.0])
    lines = bars.Bars(Console(file=shown, width=80, highlight=False), lambda: next(moments))
    with lines.shown():
        lines.update(JobProgress("r"))
        lines.update(JobProgress("r", "b", "licensed"))
        lines.update(_progressing(3))
        lines.update(_progressing(3))
        lines.update(_progressing(3))
        lines.update(replace(_progressing(3), phase="ended"))
    assert shown.getvalue().splitlines() == [
        "request r: waiting for the license gate, 0.0s",
        "b: capturing objects, 1.0s",
        "laden-5jj2c: copying volumes, 2.0s",
        "laden-5jj2c: copying volumes, 14s: 325.0 MB of 600.0 MB (54 %), 1,206 files, 23.2 MB/s, 11s left",
    ]


def test_one_line_sums_it_up() -> None:
    said = bars.summary("b", "Completed", _progressing(2), 83.4)
    assert said == "b: Completed after 1m23s: 14 objects, 2 volumes, 320.0 MB in 804 files"
    assert bars.summary("b", "Failed", JobProgress("r"), 0.5) == "b: Failed after 0.5s"
