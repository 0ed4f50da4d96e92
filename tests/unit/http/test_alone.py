"""The API without the console: the same routes behind the same guard, and tokens as everywhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from producers.access import tokens
from producers.access.assembly import doorkeeper
from producers.http import routes
from producers.http.api.serving import Needs
from tests.support.front import Front

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path)
    with front.session:
        yield front


def client(front: Front) -> TestClient:
    door = doorkeeper(front.session, lambda: NOW, lambda: 0.0)
    return TestClient(routes.application(Needs(front.session, door, lambda: NOW)))


def test_a_token_may_what_it_was_made_for(front: Front) -> None:
    made = tokens.make(front.session, "ci", "operator", apps="shop", only="view,take", now=NOW).token
    asking = client(front)
    headers = {"Authorization": f"Bearer {made}"}
    assert asking.get("/api/v1/whoami", headers=headers).json()["permissions"] == ["view", "take"]
    assert asking.post("/api/v1/app/shop/snapshot/backup", headers=headers).status_code == 200
    assert asking.post("/api/v1/app/wiki/snapshot/backup", headers=headers).status_code == 403
    assert asking.delete("/api/v1/app/shop/snapshot/restore", headers=headers).status_code == 403
    assert asking.get("/api/v1/whoami", headers={"Authorization": f"Kots {made}"}).status_code == 200


def test_it_is_guarded_and_every_no_is_a_problem(front: Front) -> None:
    answer = client(front).get("/")
    assert (answer.status_code, answer.json()["code"]) == (404, "NoSuchRoute")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert client(front).post("/events").status_code == 401
