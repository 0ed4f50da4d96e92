"""The line on a real Kubernetes: the cluster at SNAPLINE_E2E_KUBECONFIG, whose nodes' pod directories this machine sees
below SNAPLINE_E2E_STATE (`<node>/kubelet/pods`)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.license_authority import sign_license
from deploy.local.stack import running
from schemas.kubernetes import NAMESPACES
from tests.support.line import CONSOLE, Line, until
from workers.ports import Cluster

needs_a_cluster = pytest.mark.skipif(
    "SNAPLINE_E2E_KUBECONFIG" not in os.environ, reason="SNAPLINE_E2E_KUBECONFIG is not set"
)


@contextmanager
def real_line(root: Path, slug: str, backup: str) -> Iterator[Line]:
    """A line without its workers; the application `slug`, which lives in the namespace of its name, is registered with
    the Backup resource `backup`."""
    state = Path(os.environ["SNAPLINE_E2E_STATE"])
    pods = {path.parent.parent.name: path for path in sorted(state.glob("*/kubelet/pods"))}
    assert len(pods) == 2, f"expected two nodes below {state}, found {sorted(pods)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAPLINE_KUBECONFIG", os.environ["SNAPLINE_E2E_KUBECONFIG"])
        with running(root, kubelet_pods=pods) as stack:
            line = Line(stack)
            line.namespaces = [slug]
            _register(line, root, slug, backup)
            yield line
            line.cluster.delete(NAMESPACES, None, CONSOLE)


def namespaces(cluster: Cluster) -> set[str]:
    """Their names."""
    return {namespace["metadata"]["name"] for namespace in cluster.list(NAMESPACES)}


def _register(line: Line, root: Path, slug: str, backup: str) -> None:
    until(lambda: CONSOLE not in namespaces(line.cluster), "an earlier console is gone")
    line.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}})
    (root / "license.yaml").write_text(sign_license(line.stack.authority, app_slug=slug))
    (root / "backup.yaml").write_text(backup)
    line.snapline(
        *("app", "add", slug, "--license", str(root / "license.yaml"), "--backup", str(root / "backup.yaml")),
        *("--namespace", slug),
    )
