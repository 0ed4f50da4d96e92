"""The line on a real Kubernetes: the cluster at SNAPLINE_E2E_KUBECONFIG, whose nodes' pod directories this machine sees
below SNAPLINE_E2E_STATE (`<node>/kubelet/pods`)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from deploy.local.license_authority import sign_license
from deploy.local.stack import running
from schemas.kubernetes import NAMESPACES
from tests.support.line import CONSOLE, Line, until
from tests.support.pods import Installation, stack_on
from workers.ports import Cluster

needs_a_cluster = pytest.mark.skipif(
    "SNAPLINE_E2E_KUBECONFIG" not in os.environ, reason="SNAPLINE_E2E_KUBECONFIG is not set"
)


@contextmanager
def real_line(root: Path, installation: Installation | None = None) -> Iterator[Line]:
    """A line without its workers, with an empty namespace for the console. With an `installation`, the workers are its
    pods, which are there already; else they will be processes."""
    state = Path(os.environ["SNAPLINE_E2E_STATE"])
    pods = {path.parent.parent.name: path for path in sorted(state.glob("*/kubelet/pods"))}
    assert len(pods) == 2, f"expected two nodes below {state}, found {sorted(pods)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAPLINE_KUBECONFIG", os.environ["SNAPLINE_E2E_KUBECONFIG"])
        with (
            nullcontext(stack_on(installation, root, pods))
            if installation
            else running(root, kubelet_pods=pods) as stack
        ):
            line = Line(stack)
            line.namespaces = [CONSOLE]
            line.cluster.delete(NAMESPACES, None, CONSOLE)
            until(lambda: CONSOLE not in namespaces(line.cluster), "an earlier console is gone", seconds=180)
            line.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}})
            yield line
            line.cluster.delete(NAMESPACES, None, CONSOLE)


def namespaces(cluster: Cluster) -> set[str]:
    """Their names."""
    return {namespace["metadata"]["name"] for namespace in cluster.list(NAMESPACES)}


def register(line: Line, slug: str, backup: str, namespace: str) -> None:
    """Registers an application that lives in `namespace` and ships the Backup resource `backup`, or changes it."""
    files = line.stack.root / "packages" / slug
    files.mkdir(parents=True, exist_ok=True)
    (files / "license.yaml").write_text(sign_license(line.stack.authority, app_slug=slug))
    (files / "backup.yaml").write_text(backup)
    line.snapline(
        *("app", "add", slug, "--license", str(files / "license.yaml"), "--backup", str(files / "backup.yaml")),
        *("--namespace", namespace),
    )
