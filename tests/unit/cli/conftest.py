"""Systems over twins that tests of the command line look at."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import keys
from schemas.job import backup
from tests.support.front import NOON, Front, volume
from tests.support.sealed import PASSPHRASE
from tests.support.volumes import copy, volume_of
from workers.manifests.capture.document import Captured, encode_manifest
from workers.repository import open_repository


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """Nothing in it."""
    return Front(tmp_path)


def _object(kind: str, namespace: str | None, name: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"{kind}/{namespace}/{name}"} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


@pytest.fixture
def held(front: Front) -> Front:
    """A full backup `full` with objects of the console and of two applications, and one `failed`."""
    repository = open_repository(front.objects, PASSPHRASE)
    captured = Captured()
    for owner, kind, namespace, name in (
        ("console", "Secret", "snapline-console", "admin"),
        ("shop", "StatefulSet", "shop", "db"),
        ("shop", "Secret", "shop", "größe [/b]"),
        ("blog", "ClusterRole", None, "blog"),
    ):
        obj = _object(kind, namespace, name)
        captured.objects.append(obj)
        captured.owners[obj["metadata"]["uid"]] = [owner]
    plain = encode_manifest(captured)
    key = keys.manifest(backup("full"), hashlib.sha256(plain).hexdigest())
    front.store.put(key, repository.seal(plain, key))
    apps = [{"slug": "shop"}, {"slug": "blog"}]
    front.begin("full")
    front.finish("full", manifest=key, objects=4, apps=apps, volumes=[volume(), volume("w", "logs", "blog")])
    front.finish("failed", status="Failed", manifest=key)
    return front


@pytest.fixture
def two(front: Front, tmp_path: Path) -> Front:
    """Two backups, of a volume that has changed in between."""
    repository = open_repository(front.objects, PASSPHRASE)
    root = tmp_path / "source"
    (root / "etc").mkdir(parents=True)
    for name in ("etc/same.conf", "etc/changed.conf", "gone"):
        (root / name).write_text("one")
        os.utime(root / name, (1_000_000, 1_000_000))
    os.utime(root / "etc", (1_000_000, 1_000_000))
    front.finish("first", volumes=[volume(volume_of(copy(repository, root)))], requested_at=NOON - timedelta(days=1))
    (root / "etc/changed.conf").write_text("two!")
    (root / "gone").unlink()
    (root / "new").write_text("new")
    os.utime(root / "etc", (1_000_000, 1_000_000))
    front.finish("second", volumes=[volume(volume_of(copy(repository, root)))])
    return front
