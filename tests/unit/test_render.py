"""What is printed: names are whole however narrow the terminal, and texts of others stay what they are."""

import pytest
from rich.console import Console

from producers.cli import render
from producers.cli.render import Output, show
from producers.cli.rows import BACKUP_COLUMNS, SNAPSHOT_COLUMNS

NAME = "instance-bcdfg-xyz24-before"
ROW = {
    "name": NAME,
    "status": "PartiallyFailed",
    "app": "shop",
    "objects": 12345,
    "volumes": 12,
    "size": 123456789,
    "errors": 7,
    "requested_at": "2026-11-23T12:00:00+00:00",
    "snapshot_of": "instance-bcdfg-xyz24",
}


def _printed(
    value: object, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *columns: str
) -> str:
    monkeypatch.setattr(render, "_console", lambda: Console(highlight=False, width=width))
    show(value, Output.TABLE, columns)  # type: ignore[arg-type]
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("width", "there", "spared"),
    [
        (60, ["name", "status", "requested at"], ["app", "size", "errors", "objects", "snapshot of"]),
        (80, ["name", "status", "app", "size", "requested at"], ["errors", "objects", "volumes"]),
        (140, [name.replace("_", " ") for name in SNAPSHOT_COLUMNS], []),
    ],
)
def test_in_a_narrow_terminal_columns_are_spared_and_names_are_not_cut(
    width: int,
    there: list[str],
    spared: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, row = _printed([ROW], width, monkeypatch, capsys, *SNAPSHOT_COLUMNS).splitlines()
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
