"""Two workers of one node would write over the same files: the broker gives one of them all the work."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from deploy.local.rabbitmq import RabbitMQ
from schemas import events as e
from schemas import topology
from tests.support.line import until
from tests.support.serving import Handle, serving
from workers.adapters import broker
from workers.deliveries import Delivery

NODE = topology.volumes("node-a")


def _work(url: str, pods: list[str]) -> None:
    publisher = broker.Publisher(url, "tests")
    for pod in pods:
        work = e.VolumesCopyRequested(backup="b", node="node-a", pod=f"ns/{pod}")
        publisher.publish(e.wrap(work, source="tests", time=datetime.now(UTC)))
    publisher.close()


def _are_there(server: RabbitMQ, vhost: str, statuses: list[str]) -> Callable[[], bool]:
    def look() -> bool:
        said = server.control("list_consumers", "-p", vhost, "activity_status", "--no-table-headers")
        return sorted(said.split()) == statuses

    return look


def test_of_two_workers_of_a_node_one_works_until_it_is_gone(url: str, vhost: str, broker_server: RabbitMQ) -> None:
    worked: list[tuple[str, str]] = []

    def worker(name: str) -> Handle:
        def handle(event: dict[str, Any], _: Delivery) -> None:
            worked.append((name, event["data"]["pod"]))

        return handle

    pods = [f"pod-{number}" for number in range(20)]
    with ExitStack() as first:
        first.enter_context(serving(url, NODE, worker("first")))
        until(_are_there(broker_server, vhost, ["single_active"]), "the first is there")
        with serving(url, NODE, worker("second")):
            until(_are_there(broker_server, vhost, ["single_active", "waiting"]), "both are there")
            _work(url, pods)
            until(lambda: len(worked) == len(pods), "all is done")
            assert {name for name, _ in worked} == {"first"}
            first.close()
            _work(url, pods)
            until(lambda: len(worked) == 2 * len(pods), "the other takes over")
            assert {name for name, _ in worked[len(pods) :]} == {"second"}
