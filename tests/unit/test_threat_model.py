"""docs/security.md: every claim names a test, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
TEXT = (HOUSE / "docs/security.md").read_text()
CLAIMS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.partition("## Claims")[2].partition("## What we depend on")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| claim |")
]


@cache
def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[0][:60])
def test_every_claim_is_tied_to_tests_that_are_there(claim: list[str]) -> None:
    said, shown = claim
    named = re.findall(r"`([^`]+)`", shown)
    assert said
    assert named
    for each in named:
        file, _, name = each.partition("::")
        assert name.startswith("test_")
        assert name in functions_of(HOUSE / file), each


def test_there_are_claims_of_everybody_who_could_attack() -> None:
    table = TEXT.partition("## Who could attack")[2].partition("## Claims")[0]
    who = {found.lower() for found in re.findall(r"^\| \*\*([^*]+)\*\*", table, re.MULTILINE)}
    sections = {found.lower() for found in re.findall(r"^### (.+)$", TEXT, re.MULTILINE)}
    assert len(CLAIMS) > 40
    assert who <= sections, who - sections
