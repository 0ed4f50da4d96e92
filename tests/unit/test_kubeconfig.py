"""The way into a cluster: what is no kubeconfig is said to be none."""

from pathlib import Path

import pytest

from schemas.errors import Invalid
from workers.adapters.cluster import connect

WRONG = {
    "empty": b"",
    "text": b"hello",
    "list": b"- a\n- b\n",
    "number": b"7",
    "no YAML": b"a: [b\n",
    "bytes": b"\x00\xff\xfe\x01" * 9,
    "control characters": b"a: \x1b[2J\n",
    "no context": b"apiVersion: v1\nkind: Config\n",
    "clusters of another shape": b"current-context: a\ncontexts: {a: b}\nclusters: 7\nusers: []\n",
    "a context of nothing": b"current-context: a\ncontexts: [{name: a, context: null}]\nclusters: []\nusers: []\n",
    "a cluster that is not there": b"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_file_that_is_no_kubeconfig_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    with pytest.raises(Invalid, match="no way into a cluster with") as refused:
        connect(file)
    assert "\n" not in str(refused.value)
    assert "kube-config" not in str(refused.value)


@pytest.mark.parametrize("place", ["", "missing"])
def test_a_directory_or_nothing_is_none_either(place: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no way into a cluster with"):
        connect(tmp_path / place)
