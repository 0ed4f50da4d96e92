"""What is printed: names are whole however narrow the terminal, and texts of others stay what they are."""

from pathlib import Path

import pytest
from rich.console import Console

import producers.cli as cli_folder
from producers.cli import tables
from producers.cli.context import note
from producers.cli.render import ListOutput, Output, show
from producers.cli.rows import BACKUP_COLUMNS, SOMETIMES

NAME = "instance-bcdfg-xyz24-before"
ROW = {
    "name": NAME,
    "status": "PartiallyFailed",
    "app": "shop",
    "objects": 12345,
    "volumes": 12,
    "size": 123456789,
    "errors": 7,
    "schedule": "nightly",
    "duration_seconds": 61.5,
    "requested_at": "2026-11-23T12:00:00+00:00",
    "snapshot_of": "instance-bcdfg-xyz24",
}


def _printed(
    value: object, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *columns: str
) -> str:
    monkeypatch.setattr(tables, "console", lambda wide=False: Console(highlight=False, width=width))
    show(value, Output.TABLE, columns)  # type: ignore[arg-type]
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("width", "there", "spared"),
    [
        (60, ["name", "status", "requested at"], ["app", "size", "errors", "objects", "snapshot of", "last verified"]),
        (80, ["name", "status", "app", "size", "requested at"], ["errors", "objects", "volumes"]),
        (250, [tables._head(name) for name in (*BACKUP_COLUMNS, *SOMETIMES)], []),
    ],
)
def test_in_a_narrow_terminal_columns_are_spared_and_names_are_not_cut(
    width: int,
    there: list[str],
    spared: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, row = _printed([ROW], width, monkeypatch, capsys, *BACKUP_COLUMNS, *SOMETIMES).splitlines()
    assert [name for name in there if name not in head] == []
    assert [name for name in spared if name in head] == []
    assert row.split()[:2] == [NAME, "PartiallyFailed"]


def test_an_empty_list_has_its_heads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "status" in _printed([], 80, monkeypatch, capsys, *BACKUP_COLUMNS)


@pytest.mark.parametrize("text", ["a [/b] x", "[bold]x[/bold]", ":smile:", r"C:\[x]"])
def test_texts_are_not_taken_for_markup(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert text in _printed([{"name": text}], 80, monkeypatch, capsys)
    assert text in _printed({"name": text}, 80, monkeypatch, capsys)
    assert text in _printed({"hooks": [text]}, 80, monkeypatch, capsys)


def test_nothing_that_a_hook_says_moves_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _printed({"hooks": ["one\x1b[2J\rtwo\x07\nthree\tfour"]}, 80, monkeypatch, capsys)
    assert r"one\x1b[2J\x0dtwo\x07" in said
    assert not {"\x1b", "\r", "\x07"} & set(said)
    assert "three" in said.splitlines()[1]


@pytest.mark.parametrize("width", [10, 20, 27, 40])
@pytest.mark.parametrize("field", ["name", "slug", "id", "volume", "path"])
def test_names_are_whole_at_any_width(
    field: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {field: NAME, "status": "PartiallyFailed", "reason": "it was as it was " * 9}
    assert NAME in _printed([row], width, monkeypatch, capsys)
    assert NAME in _printed(row, width, monkeypatch, capsys)
    assert NAME in _printed({"status": "Completed", "volumes": [row]}, width, monkeypatch, capsys)


def test_what_a_program_reads_is_in_lines_of_any_length(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "it was as it was " * 99
    show([{"name": NAME, "reason": reason.strip()}], Output.TABLE)
    assert reason.strip() in capsys.readouterr().out


def test_wide_lists_show_all_and_names_stand_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show([ROW], ListOutput.WIDE, ("name", "status"))
    assert "PartiallyFailed" in (wide := capsys.readouterr().out)
    assert "instance-bcdfg-xyz24" in wide.splitlines()[1].split()
    show([ROW, {"slug": "shop"}], ListOutput.NAME)
    assert capsys.readouterr().out.splitlines() == [NAME, "shop"]


@pytest.mark.parametrize(
    "odd", ["yesterday", "99999999999 s after 1970", "2026-11-23", "9999-12-31T23:59:59-23:00", ""]
)
def test_a_time_that_is_none_is_told_as_it_is(
    odd: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "modified at" in _printed([{"modified_at": odd}], 80, monkeypatch, capsys)
    assert "modified at" in _printed({"modified_at": odd}, 80, monkeypatch, capsys)


def test_remarks_are_no_markup_either(capsys: pytest.CaptureFixture[str]) -> None:
    note("a [/b] x :smile: \x1b[2J")
    assert capsys.readouterr().err == "a [/b] x :smile: \\x1b[2J\n"
    by_hand = [path for path in Path(cli_folder.__file__).parent.rglob("*.py") if "notes.print" in path.read_text()]
    assert [path.name for path in by_hand] == ["context.py"]
