"""The image: pinned by hash, without root, and with all that Snapline needs."""

import re
from pathlib import Path

from deploy import pins
from producers.installing.pods import CACHE, USER

DEPLOY = Path(__file__).parents[3] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
REQUIREMENTS = pins.FILE.read_text()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_is_of_the_version_of_the_constraints_and_has_its_hash() -> None:
    lines = (DEPLOY.parent / "constraints.txt").read_text().splitlines()
    versions = {_normal(line.partition("==")[0]): line.partition("==")[2] for line in lines if "==" in line}
    found = re.findall(r"^([a-z0-9.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", REQUIREMENTS, re.M)
    assert len(found) == REQUIREMENTS.count("==")
    pinned = {_normal(name): version for name, version, _ in found}
    assert {name: version for name, version in pinned.items() if versions.get(name, version) != version} == {}
    asked = {_normal(re.split(r"[<>=\[ ]", each)[0]) for each in pins.wanted()}
    assert asked - pinned.keys() == set(), "run `python -m deploy.pins` and commit what it writes"


def test_nothing_is_installed_without_its_hash_and_nothing_runs_as_root() -> None:
    installs = re.findall(r"pip --python \S+ install ([^&\n\\]*)", DOCKERFILE)
    assert all("--require-hashes" in each or "--no-deps --no-build-isolation" in each for each in installs)
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "pip uninstall -y setuptools wheel pip" in final
    assert f"\nUSER {USER}\n" in final
    assert f"--uid {USER} " in final
    assert CACHE in final


def test_the_image_has_the_python_that_the_constraints_are_for() -> None:
    needed = re.search(r'requires-python = ">=([\d.]+)"', (DEPLOY.parent / "pyproject.toml").read_text())
    assert needed
    assert f"\nARG BASE=python:{needed[1]}." in DOCKERFILE
    assert "--build-arg BASE=" in DOCKERFILE  # by a digest that somebody knows
