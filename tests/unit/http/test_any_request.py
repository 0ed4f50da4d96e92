"""Whatever is asked, the answer is one that the document has, and never a fault of ours.

`SNAPLINE_REQUESTS=200` asks so many of each route; a few are always tried.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from schemas import keys
from schemas.job import restore
from schemas.records import RestoreRecord, RestoreRequest
from tests.support import api
from tests.support.api import Site
from tests.support.front import NOON
from workers.jobs import ledger

EXAMPLES = int(os.environ.get("SNAPLINE_REQUESTS", "3"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NAMES = ("instance-bcdfg", "shop-bcdfg", "shop-cdfgh", "r-bcdfg", "r-cdfgh", "nightly", "instance", "default", "nas")
KNOWN = {
    "name": st.sampled_from(NAMES),
    "other": st.sampled_from(NAMES),
    "app": st.sampled_from(("shop", "wiki", "nope")),
    "scope": st.sampled_from(("instance", "app/shop", "schedule/nightly", "safety-snapshots")),
    "queue": st.sampled_from(("license.gate", "watchdog")),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        _furnish(made)
        yield made


def _furnish(site: Site) -> None:
    """Something of everything."""
    front = site.front
    site.register("shop")
    front.back_up("instance-bcdfg", "shop-bcdfg")
    front.begin("shop-cdfgh")
    for name in ("r-bcdfg", "r-cdfgh"):
        job = restore(name)
        said = {"name": name, "request": "q", "backup": "instance-bcdfg", "scope": "applications", "app": "shop"}
        ledger.begin(front.store, job)
        request = RestoreRequest.model_validate({**said, "event_id": "e", "requested_at": NOON})
        ledger.create(front.store, keys.request(job), request)
    ended = {**said, "name": "r-bcdfg", "status": "Completed", "requested_at": NOON, "completed_at": NOON}
    ledger.create(front.store, keys.final(restore("r-bcdfg")), RestoreRecord.model_validate(ended))
    site.said("PUT", "/api/v1/schedules/nightly", json={"expression": "@daily"})
    site.said("PUT", "/api/v1/retention/instance", json={"keep_last": 3})


def test_nothing_that_is_asked_breaks_anything(site: Site) -> None:
    schema = schemathesis.openapi.from_dict(site.document)
    schema.app = site.app
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # and an Err has none
        if operation.path != "/api/v1/events":  # which has no end
            _try(operation, site)


def _try(operation: schemathesis.APIOperation[Any, Any, Any, Any], site: Site) -> None:
    known = {each.name: KNOWN[each.name] for each in operation.path_parameters if each.name in KNOWN}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), path=st.fixed_dictionaries(known), headers=st.just({}))
    def one(case: schemathesis.Case[Any], path: dict[str, str], headers: dict[str, str]) -> None:
        case.path_parameters.update(path)
        answer = case.call(headers={"Authorization": "Bearer admin"})
        case.validate_response(answer, checks=CHECKS)

    one()
