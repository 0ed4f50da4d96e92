"""Images made of what this machine has, and brought into the nodes of the cluster."""

import json
import os
import shlex
import subprocess
import time
from pathlib import Path

from deploy.local.image import rabbitmq, snapline
from producers.installing.options import Options
from tests.support.kubectl import kubectl

LOAD_IMAGE = "SNAPLINE_E2E_LOAD_IMAGE"
"""Variable with a command that brings images into every node, given their tar files."""
PATIENCE = 600
"""Seconds until an image runs."""


def bring_snapline(root: Path) -> str:
    """Into every node, the image of this checkout; its name."""
    file = root / "image.tar"
    name = snapline.make(file)
    _load(file)
    _unpack(name)
    return name


def bring_rabbitmq(root: Path) -> None:
    """Into every node, what the base calls RabbitMQ: the version that this machine has."""
    rabbitmq.make(file := root / "rabbitmq.tar", Options().rabbitmq_image)
    _load(file)


def _load(file: Path) -> None:
    subprocess.run([*shlex.split(os.environ[LOAD_IMAGE]), str(file)], check=True)
    file.unlink()


def _unpack(name: str) -> None:
    """Runs the image once on every node: of many pods that start at a time, each would unpack it for itself."""
    nodes = [node["metadata"]["name"] for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]]
    container = {"name": "snapline", "image": name, "imagePullPolicy": "IfNotPresent", "args": ["version"]}
    for node in nodes:
        spec = {"nodeName": node, "restartPolicy": "Never", "containers": [container]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"unpacks-{node}"}, "spec": spec}
        kubectl("-n", "default", "apply", "-f", "-", given=json.dumps(pod))
    deadline = time.monotonic() + PATIENCE
    for node in nodes:
        while _phase(f"unpacks-{node}") != "Succeeded":
            assert time.monotonic() < deadline, f"the image does not run on {node}"
            time.sleep(0.5)
        kubectl("-n", "default", "delete", "pod", f"unpacks-{node}", "--wait=false")


def _phase(pod: str) -> str:
    return str(json.loads(kubectl("-n", "default", "get", "pod", pod, "-o", "json"))["status"]["phase"])
