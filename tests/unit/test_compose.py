"""docker-compose.yml agrees with the topology and the settings."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas import events, topology
from schemas.settings import PREFIX, from_environment

HOUSE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_there_is_a_worker_for_every_queue_a_node_worker_and_a_scheduler() -> None:
    workers = {name: service["command"] for name, service in SERVICES.items() if "build" in service}
    queues = {name: ["worker", name] for name in (*topology.QUEUES, "volumes.node-a")}
    assert workers == {**queues, "scheduler": ["scheduler"]}


def test_every_setting_is_known_and_good() -> None:
    for service in SERVICES.values():
        given = {name: value for name, value in service.get("environment", {}).items() if name.startswith(PREFIX)}
        from_environment({name: value.replace("${", "").replace("}", "") for name, value in given.items()})


def test_rabbitmq_is_a_4_with_management_and_only_the_machine_itself_reaches_ports() -> None:
    assert SERVICES["rabbitmq"]["image"] == "rabbitmq:4-management"
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_volume_that_is_mounted_by_name_is_declared() -> None:
    named = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if v[0].isalpha()}
    assert named == set(COMPOSE["volumes"])


@pytest.mark.parametrize(("account", "asks"), [("producer", {"backup.requested.v1"}), ("operator", events.REQUESTS)])
def test_a_user_for_other_systems_may_ask_and_listen_and_no_more(account: str, asks: set[str]) -> None:
    rights = json.loads((HOUSE / f"deploy/rabbitmq/{account}.json").read_text())
    (may,), (may_say,) = rights["permissions"], rights["topic_permissions"]
    assert may["user"] == may_say["user"] == account
    assert may_say["exchange"] == topology.EVENTS
    assert {name for name in events.KINDS if re.search(may_say["write"], name)} == asks
    assert not re.search(may_say["write"], "backup.requested.v1.shop")  # which no queue hears
    ours = {topology.EVENTS, topology.CONTROL, topology.WORK, topology.EVENT_LOG, *topology.QUEUES}
    assert {name for name in ours if re.search(may["write"], name)} == {topology.EVENTS}
    assert {name for name in ours if re.search(may["read"], name)} == {topology.EVENTS, topology.EVENT_LOG}
    assert not {name for name in ours if re.search(may["configure"], name)}


def test_the_image_has_the_python_that_the_constraints_are_for() -> None:
    needed = re.search(r'requires-python = ">=([\d.]+)"', (HOUSE / "pyproject.toml").read_text())
    assert needed
    assert (HOUSE / "deploy/Dockerfile").read_text().startswith(f"FROM python:{needed[1]}-slim\n")
