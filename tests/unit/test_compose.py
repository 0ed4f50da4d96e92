"""docker-compose.yml agrees with the topology and the settings."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no stubs here

from deploy import accounts
from schemas import events, topology
from schemas.services import services, trusted_users
from schemas.settings import PREFIX, from_environment
from workers import app

HOUSE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
PACKAGE = "docker-compose==1.29.2"
"""The last one in Python: it brings the schema along."""
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_there_is_a_worker_for_every_queue_a_node_worker_and_all_that_ask() -> None:
    workers = {name: service["command"] for name, service in SERVICES.items() if "build" in service}
    queues = {name: ["worker", name] for name in (*topology.QUEUES, "volumes.node-a")}
    fronts = {
        "post.events": ["serve-events", "--listen", "0.0.0.0:8088"],
        "upgrades": ["watch-upgrades"],
        "console": ["console", "--listen", "0.0.0.0:8800"],
    }
    assert workers == {**queues, "scheduler": ["scheduler"], **fronts}


def test_every_setting_is_known_and_good() -> None:
    for service in SERVICES.values():
        given = {name: value for name, value in service.get("environment", {}).items() if name.startswith(PREFIX)}
        from_environment({name: value.replace("${", "").replace("}", "") for name, value in given.items()})


def test_rabbitmq_is_a_4_with_management_and_only_the_machine_itself_reaches_ports() -> None:
    assert re.fullmatch(r"rabbitmq:4\.\d+\.\d+-management", SERVICES["rabbitmq"]["image"])
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_others_have_made_is_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    assert all(re.search(r":\d+\.\d+", image) for image in images), images


def test_a_worker_gets_more_time_to_stop_than_it_takes_and_no_right_that_it_does_not_need() -> None:
    for name, service in SERVICES.items():
        if "build" not in service:
            continue
        assert int(service["stop_grace_period"].removesuffix("s")) * 1000 > app.GRACE_MS, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert ("cap_add" in service) == (service.get("user") == "root"), name


def test_the_broker_takes_no_longer_body_than_an_event_may_have_and_gets_its_policies() -> None:
    limits = (HOUSE / "deploy/rabbitmq/limits.conf").read_text()
    assert f"\nmax_message_size = {events.MAX_BODY}\n" in limits
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["rabbitmq"]["volumes"])
    assert mounted["./deploy/rabbitmq/limits.conf"].startswith("/etc/rabbitmq/conf.d/")
    [definitions] = [v.split(":")[-2] for v in SERVICES["rabbitmq"]["volumes"] if accounts.DEFINITIONS in v]
    assert f"import_definitions {definitions} " in SERVICES["rabbitmq"]["healthcheck"]["test"][1]
    assert all((HOUSE / path).exists() for path in mounted if path.startswith(("./deploy", "./schemas")))


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
    ours = {topology.EVENTS, topology.TOLD, topology.CONTROL, topology.WORK, topology.EVENT_LOG, *topology.QUEUES}
    cancels = {topology.CONTROL} if account == "operator" else set()
    assert {name for name in ours if re.search(may["write"], name)} == {topology.EVENTS} | cancels
    assert {name for name in ours if re.search(may["read"], name)} == {topology.EVENTS, topology.EVENT_LOG}
    assert not {name for name in ours if re.search(may["configure"], name)}


def test_every_service_has_an_account_of_its_own_on_the_broker_and_in_the_cluster() -> None:
    common = COMPOSE["x-snapline"]["environment"]
    assert common["SNAPLINE_TRUSTED_USERS"] == f"snapline,{trusted_users(('node-a',))}"
    assert "SNAPLINE_AMQP_URL" not in common
    for name in services(("node-a",)):
        assert SERVICES[name]["env_file"] == ["${ACCOUNTS:-./accounts}/" + name + ".env"]
        mounted = [volume for volume in SERVICES[name]["volumes"] if "kubeconfig" in volume]
        assert mounted == ["${ACCOUNTS:-./accounts}/" + name + ".kubeconfig:/etc/snapline/kubeconfig:ro"]
    [rights] = [volume.split(":") for volume in SERVICES["rabbitmq"]["volumes"] if accounts.DEFINITIONS in volume]
    assert f"import_definitions {rights[-2]} " in SERVICES["rabbitmq"]["healthcheck"]["test"][1]


def test_it_fits_the_schema_of_compose_files() -> None:
    """The schema is fetched from the package index, once for an environment: it is not ours to keep here."""
    Draft7Validator(_schema()).validate(COMPOSE)


def _schema() -> dict[str, Any]:
    kept = Path(sys.prefix) / "share" / "compose_spec.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=kept.parent) as folder:
            fetch = ["download", "-q", "--disable-pip-version-check", "--no-deps", "-d", folder, PACKAGE]
            done = subprocess.run([sys.executable, "-m", "pip", *fetch], capture_output=True, timeout=120, check=False)
            if done.returncode:
                pytest.skip(f"{PACKAGE}, which has the schema, cannot be fetched")
            [wheel] = Path(folder).glob("*.whl")
            fresh = Path(folder) / "schema"
            fresh.write_bytes(zipfile.ZipFile(wheel).read("compose/config/compose_spec.json"))
            fresh.rename(kept)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found
