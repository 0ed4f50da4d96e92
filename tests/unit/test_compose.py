"""docker-compose.yml agrees with the topology and the settings."""

from pathlib import Path
from typing import Any

import yaml

from schemas import topology
from schemas.settings import PREFIX, from_environment

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
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
