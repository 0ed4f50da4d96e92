"""What the documents say is there is there: paths, links, commands, decision records, and the glossary's names."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main
from click import Group

from producers.cli.main import cli
from schemas import topology

HOUSE = Path(__file__).parents[2]
ROOMS = ("schemas", "workers", "producers", "deploy", "tests", "docs", ".ci")
TEXT = (".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", "")
DOCUMENTS = sorted(
    [*HOUSE.glob("*.md"), *HOUSE.glob("docs/**/*.md"), *HOUSE.glob("schemas/*.md"), *HOUSE.glob("deploy/*.md")]
)
TODAY = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]  # which also tells of what is gone

named = pytest.mark.parametrize("document", TODAY, ids=lambda path: str(path.relative_to(HOUSE)))


@cache
def files() -> dict[Path, str]:
    """All text of the repository, but for frozen samples."""
    found = [path for path in HOUSE.iterdir() if path.is_file() and path.name != ".coverage"]
    for room in ROOMS:
        for folder, folders, names in os.walk(HOUSE / room):
            folders[:] = [name for name in folders if name not in ("__pycache__", "samples")]
            found += [Path(folder) / name for name in names]
    return {path: path.read_text() for path in found if path.suffix in TEXT}


@cache
def code() -> str:
    """All Python but the tests."""
    return "\n".join(
        text for path, text in files().items() if path.suffix == ".py" and HOUSE / "tests" not in path.parents
    )


def prose(document: Path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def marked(text: str) -> Iterator[str]:
    """What stands between backticks."""
    return (found[1] for found in re.finditer(r"`([^`\n]+)`", text))


def is_command(words: list[str]) -> bool:
    """Whether `snapline WORDS` begins with a command, down to the first word that is none's name."""
    command = typer.main.get_command(cli)
    for word in words:
        if not isinstance(command, Group):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


def is_said(name: str) -> bool:
    """Whether a command is one, and every part of another name occurs in the code."""
    if name.startswith("snapline "):
        return is_command(name.split()[1:])
    parts = re.split(r"[./]", name.removesuffix(".json"))
    return all(re.search(rf"\b{re.escape(part)}\b", code()) for part in parts)


@named
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    paths = [each for each in marked(prose(document)) if each.split("/")[0] in ROOMS and "/" in each]
    missing = [
        path for path in paths if not re.search(r"[<>*\s]", path) and not (HOUSE / path.partition("::")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [found[1] for found in re.finditer(r"\]\(([^)\s]+)\)", prose(document))]
    near = [target.partition("#")[0] for target in targets if not re.match(r"https?:|mailto:", target)]
    assert [target for target in near if not (document.parent / target).exists()] == []


@named
def test_every_command_that_a_document_names_is_one(document: Path) -> None:
    said = re.findall(r"^snapline ([^#\n]+)|`snapline ([^`\n]+)`", document.read_text(), re.MULTILINE)
    commands = ["".join(each).split("|")[0].split(" --")[0].removeprefix("--version") for each in said]
    assert [command for command in commands if not is_command(command.split())] == []


def test_no_file_names_a_document_that_is_not_in_the_repository() -> None:
    known = {path.name for path in DOCUMENTS}
    wrong = {
        f"{path.relative_to(HOUSE)}: {name}"
        for path, text in files().items()
        for name in re.findall(r"[\w.-]+\.md\b|\bDESIGN\b", re.sub(r"https?://\S+", "", text))
        if name not in known and path != Path(__file__)
    }
    assert wrong == set()


def test_the_table_of_the_line_has_every_queue_and_its_steps() -> None:
    line = (HOUSE / "docs/architecture.md").read_text().partition("## The line")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z.<>]+)` \|([^|]*)\|[^|]*\|$", line, re.MULTILINE)
    assert {queue for queue, _ in rows} == {*topology.QUEUES, "volumes.<node>"}
    steps = {path.relative_to(HOUSE).as_posix() for path in HOUSE.glob("workers/steps/[a-z]*.py")}
    assert {path for _, column in rows for path in marked(column)} == steps


def test_every_decision_that_is_cited_is_recorded() -> None:
    recorded = {int(path.name[:4]) for path in HOUSE.glob("docs/adr/*.md")}
    assert recorded == set(range(1, len(recorded) + 1))
    cited = {int(number) for text in files().values() for number in re.findall(r"\bADR (\d+)", text)}
    assert cited <= recorded


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|[^|]*\|([^|]*)\|[^|]*\|$", (HOUSE / "docs/glossary.md").read_text(), re.M)
    assert len(rows) > 70
    names = [(term, name) for term, column in rows for name in marked(column)]
    assert [f"{term}: {name}" for term, name in names if not is_said(name)] == []
