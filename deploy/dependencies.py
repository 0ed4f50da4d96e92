"""What Snapline brings along: a bill of materials (CycloneDX), and what is wrong with it.

    python -m deploy.dependencies sbom.json

Refuses (exit code 1) a package that constraints.txt does not pin as it is installed, one whose license nobody has
looked at, and one of which the advisory database knows a weakness. Where that cannot be reached, it says that nothing
was audited.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT, EXTRAS = "snapline", ("gcs", "azure", "tracing")
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
LOOKED_AT = re.compile(
    r"MIT(-0)?|0BSD|ISC|BSD-[23]-Clause|Apache-2\.0|PSF-2\.0|Python-2\.0|MPL-2\.0|CC0-1\.0|Unlicense"
    r"|License :: OSI Approved :: (Apache Software|BSD|MIT|ISC|Mozilla Public|Python Software Foundation) License.*"
)
"""Licenses that let the package be used and passed on with ours; each part of an expression has to be one."""
LOOKED_AT_ONE_BY_ONE = {
    "dramatiq": "LGPL-3.0-or-later: a library that is used as it is, and can be replaced",
    "protobuf": "BSD-3-Clause, which its wheel has as a file and its metadata does not name",
}
"""Package -> what was found."""

Component = Mapping[str, Any]


def brought_along(root: str = ROOT, extras: Iterable[str] = EXTRAS) -> set[str]:
    """The canonical names of all that `root` needs, with its extras."""
    waiting = [(root, frozenset(extras))]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        for needed in map(Requirement, metadata.requires(name) or []):
            asked = (canonicalize_name(needed.name), frozenset(needed.extras))
            if _applies(needed, wanted) and asked not in seen:
                seen.add(asked)
                waiting.append(asked)
    return {name for name, _ in seen} - {root}


def _applies(needed: Requirement, extras: Iterable[str]) -> bool:
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def unpinned(components: Iterable[Component], constraints: str) -> list[str]:
    """What is not installed as constraints.txt says."""
    pins = dict(line.split("==") for line in constraints.split() if "==" in line)
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    return [
        f"{each['name']} {each['version']}: constraints.txt pins {pinned.get(canonicalize_name(each['name']), 'none')}"
        for each in components
        if pinned.get(canonicalize_name(each["name"])) != each["version"]
    ]


def unlooked(components: Iterable[Component]) -> list[str]:
    """What has a license that nobody has looked at, or none."""
    said = {each["name"]: _licenses(each) for each in components}
    return [
        f"{name}: its license is {' or '.join(licenses) or 'not said'}"
        for name, licenses in said.items()
        if name not in LOOKED_AT_ONE_BY_ONE and not any(_is_looked_at(each) for each in licenses)
    ]


def audited(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What pip-audit has found, and what it could not look up."""
    packages = report["dependencies"]
    found = [
        f"{each['name']} {each['version']}: {weakness['id']}" for each in packages for weakness in each.get("vulns", [])
    ]
    return found, [each["name"] for each in packages if "skip_reason" in each]


def _licenses(component: Component) -> list[str]:
    said = [
        each.get("expression") or each["license"].get("id") or each["license"]["name"]
        for each in component.get("licenses", [])
    ]
    return sorted(set(said))


def _is_looked_at(said: str) -> bool:
    """Of `A OR B` one is enough; of `A AND B` each has to be."""
    return any(all(LOOKED_AT.fullmatch(part) for part in choice.split(" AND ")) for choice in said.split(" OR "))


def _bill() -> dict[str, Any]:
    made = subprocess.run(
        [
            Path(sys.executable).with_name("cyclonedx-py"),
            "environment",
            sys.prefix,
            "--of",
            "JSON",
            "--output-reproducible",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    bill: dict[str, Any] = json.loads(made.stdout)
    ours = brought_along()
    bill["components"] = [each for each in bill["components"] if canonicalize_name(each["name"]) in ours]
    kept = {each["bom-ref"] for each in bill["components"]}
    bill["dependencies"] = [each for each in bill.get("dependencies", []) if each["ref"] in kept]
    return bill


def _audit() -> dict[str, Any]:
    options = ["--no-deps", "--disable-pip", "-f", "json", "--progress-spinner", "off", "--timeout", "5"]
    program = Path(sys.executable).with_name("pip-audit")
    done = subprocess.run([program, "-r", CONSTRAINTS, *options], capture_output=True, text=True)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"dependencies": [{"name": "everything", "skip_reason": done.stderr[-300:]}]}
    return report


def main(target: str) -> int:
    """For the command line."""
    bill = _bill()
    Path(target).write_text(json.dumps(bill, indent=2) + "\n")
    weak, unknown = audited(_audit())
    wrong = [*unpinned(bill["components"], CONSTRAINTS.read_text()), *unlooked(bill["components"]), *weak]
    silent = (
        [f"NOT audited, as the advisory database does not tell of them: {len(unknown)} packages"] if unknown else []
    )
    summary = f"{len(bill['components'])} packages, {len(wrong)} problems; {target} lists them"
    sys.stderr.writelines(f"dependencies: {line}\n" for line in (*wrong, *silent, summary))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
