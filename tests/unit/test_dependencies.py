"""What is brought along: what is not pinned, or has a license that nobody has looked at, is refused."""

from typing import Any

import pytest

from deploy import dependencies


def component(name: str, *licenses: str, version: str = "1") -> dict[str, Any]:
    return {"name": name, "version": version, "licenses": [{"license": {"id": each}} for each in licenses]}


def test_all_that_is_needed_is_found_and_nothing_that_only_tests_need() -> None:
    found = dependencies.brought_along()
    assert {"pydantic", "pydantic-core", "pika", "google-cloud-storage", "azure-core", "opentelemetry-api"} <= found
    assert found.isdisjoint({"snapline", "pytest", "mypy", "schemathesis", "pip-audit"})


def test_what_constraints_do_not_pin_as_it_is_installed_is_refused() -> None:
    pins = "good==1\nOther.Name==2\n"
    assert dependencies.unpinned([component("good"), component("other_name", version="2")], pins) == []
    assert dependencies.unpinned([component("other-name"), component("unknown")], pins) == [
        "other-name 1: constraints.txt pins 2",
        "unknown 1: constraints.txt pins none",
    ]


@pytest.mark.parametrize(
    ("license_", "refused"),
    [
        ("MIT", False),
        ("Apache-2.0 OR GPL-3.0-only", False),
        ("Apache-2.0 AND MIT", False),
        ("Apache-2.0 AND GPL-3.0-only", True),
        ("License :: OSI Approved :: BSD License", False),
        ("GPL-3.0-only", True),
        ("MIT-unless-you-pay", True),
    ],
)
def test_a_license_that_nobody_has_looked_at_is_refused(license_: str, refused: bool) -> None:
    assert bool(dependencies.unlooked([component("some", license_)])) is refused


def test_a_package_without_a_license_is_refused_unless_it_was_looked_at() -> None:
    assert dependencies.unlooked([component("some")]) == ["some: its license is not said"]
    assert dependencies.unlooked([component("protobuf")]) == []


def test_what_was_not_audited_is_told_apart_from_what_is_well() -> None:
    report = {
        "dependencies": [
            {"name": "well", "version": "1", "vulns": []},
            {"name": "weak", "version": "1", "vulns": [{"id": "PYSEC-1"}]},
            {"name": "silent", "skip_reason": "not found"},
        ]
    }
    assert dependencies.audited(report) == (["weak 1: PYSEC-1"], ["silent"])
