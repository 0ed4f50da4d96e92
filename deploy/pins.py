"""Writes what the image is made of, each package by its version and its hashes, as the package index has them.

python -m deploy.pins      # deploy/requirements.txt; after a change of pyproject.toml or constraints.txt
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHECKOUT = Path(__file__).parents[1]
FILE = Path(__file__).with_name("requirements.txt")
EXTRAS = ("gcs", "azure", "tracing")
MACHINES = ("x86_64", "aarch64")
LIBRARIES = ("2014", "_2_17", "_2_28")
"""Versions of manylinux that the base image can load."""
BUILD = "setuptools"
"""What makes a package of Snapline itself."""


def wanted() -> list[str]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(each for name in EXTRAS for each in project["optional-dependencies"][name])]


def main() -> None:
    """For the command line. Raises CalledProcessError where pip cannot do it."""
    pins: dict[str, set[str]] = {}
    for machine in MACHINES:
        for item in _resolved(machine):
            name, version = item["metadata"]["name"].lower().replace("_", "-"), item["metadata"]["version"]
            pins.setdefault(f"{name}=={version}", set()).add(item["download_info"]["archive_info"]["hashes"]["sha256"])
    FILE.write_text("".join(_pinned(pin, hashes) for pin, hashes in sorted(pins.items())))


def _resolved(machine: str) -> list[dict[str, Any]]:
    """What pip would install there."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        platforms = [word for each in LIBRARIES for word in ("--platform", f"manylinux{each}_{machine}")]
        where = ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", *platforms]
        abis = [word for abi in ("cp311", "abi3", "none") for word in ("--abi", abi)]
        what = ["-c", str(CHECKOUT / "constraints.txt"), *wanted(), BUILD]
        how = ["--dry-run", "--ignore-installed", "--target", folder, "--report", str(report), "-q"]
        command = [sys.executable, "-m", "pip", "install", *how, *where, *abis, *what]
        subprocess.run(command, check=True)
        found: list[dict[str, Any]] = json.loads(report.read_text())["install"]
        return found


def _pinned(pin: str, hashes: set[str]) -> str:
    return " \\\n    ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(hashes))]) + "\n"


if __name__ == "__main__":
    main()
