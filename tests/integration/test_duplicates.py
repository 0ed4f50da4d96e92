"""The same request, however often, is one job; many requests at once all complete."""

import json
import threading
from collections.abc import Iterator

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import Job
from tests.support.line import Line, Servers, until, whole_line

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Line]:
    with whole_line(tmp_path_factory.mktemp("line"), servers, megabytes=1) as running:
        running.stack.start_workers()
        yield running


def _backups(line: Line) -> set[str]:
    return {job.name for found in line.store.list(keys.finals_of("backup")) if (job := keys.parse_final(found.key))}


def test_a_request_published_five_times_at_once_and_again_later_is_one_job(line: Line) -> None:
    earlier = _backups(line)
    request = e.BackupRequested(app="shop-floor")
    threads = [threading.Thread(target=line.publish, args=(request, "five times")) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    name = line.job("backup", "shop-floor", "five times")
    first = line.final("backup", name)
    line.publish(request, "five times")
    until(lambda: len([event for event in line.told() if event.id == f"backup.completed.v1/{name}"]) >= 2, "told again")
    assert line.final("backup", name) == first
    assert _backups(line) - earlier == {name}


def test_a_hundred_requests_at_once_all_complete(line: Line) -> None:
    ids = [f"one of many {number}" for number in range(100)]
    for number, id_ in enumerate(ids):
        line.publish(e.BackupRequested(app=("shop-floor", "print-works")[number % 2]), id_)
    names = [line.job("backup", ("shop-floor", "print-works")[n % 2], id_) for n, id_ in enumerate(ids)]
    until(lambda: set(names) <= _backups(line), "100 backups are there", seconds=240)
    records = [json.loads(line.store.get(keys.final(Job("backup", name)))) for name in names]
    assert {record["status"] for record in records} == {"Completed"}
    assert line.dead_letters() == []
