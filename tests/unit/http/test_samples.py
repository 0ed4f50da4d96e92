"""The samples of docs/http-api.md, each run by a shell as it stands there."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import events as e
from tests.support import api
from tests.support.api import Site
from tests.support.served import served

DOCUMENT = (Path(__file__).parents[3] / "docs/http-api.md").read_text()
SAMPLES = [block.removeprefix("sh\n") for block in DOCUMENT.split("```") if block.startswith("sh\n")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.register("shop")
        made.front.begin("shop-bcdfg")
        made.front.finish("shop-bcdfg", app="shop")
        made.front.begin("shop-cdfgh")
        yield made


def test_the_samples_do_what_they_say(site: Site) -> None:
    with served(site.app) as url:
        environment = {**os.environ, "SERVER": url, "TOKEN": "admin"}
        for sample in SAMPLES:
            steps = [
                line for line in sample.splitlines() if "restore-plan" not in line
            ]  # which looks into a repository
            done = subprocess.run(
                ["sh", "-e"],
                input="\n".join(steps),
                env=environment,
                capture_output=True,
                text=True,
                timeout=240,
            )
            assert done.returncode == 0, f"{sample}: {done.stdout}\n{done.stderr}"
    asked = [type(each.data) for each in site.front.bus.published]
    assert asked == [e.BackupRequested, e.RestoreRequested, e.BackupRequested]
    assert [job.name for job in site.front.bus.cancelled] == ["shop-cdfgh"]
