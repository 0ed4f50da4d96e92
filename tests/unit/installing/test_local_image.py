"""Images without Docker: what is in the file, as containerd reads it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from deploy.local.image.archive import Layer, write

CONFIG = {"User": "10001", "Entrypoint": ["snapline"]}


def _made(folder: Path, name: str) -> tuple[str, dict[str, Any], dict[str, Any], dict[str, tarfile.TarInfo]]:
    """Name, manifest, description, and what is in the first layer."""
    (program := folder / "program").write_text("#!/bin/sh\n")
    program.chmod(0o750)
    layer = Layer([("/opt/bin/it", program)], {"/etc/passwd": "root"}, {"/bin/sh": "busybox"}, ("tmp",))
    full = write(out := folder / "image.tar", [layer, Layer([("/opt/data", program)])], CONFIG, name)
    with tarfile.open(out) as tar:
        texts = {member.name: tar.extractfile(member) for member in tar if member.name.endswith(".json")}
        read = {name: json.load(file) for name, file in texts.items() if file}
        [manifest] = read["manifest.json"]
        inside = tar.extractfile(manifest["Layers"][0])
        assert inside
        layer_bytes = inside.read()
    with tarfile.open(fileobj=io.BytesIO(layer_bytes)) as opened:
        entries = {entry.name: entry for entry in opened}
    described = read[manifest["Config"]]
    assert described["rootfs"]["diff_ids"][0] == f"sha256:{hashlib.sha256(layer_bytes).hexdigest()}"
    return full, manifest, described, entries


def test_files_texts_links_and_folders_are_where_they_belong_and_roots(tmp_path: Path) -> None:
    _, manifest, described, entries = _made(tmp_path, "snapline")
    assert described["config"] == CONFIG
    assert len(manifest["Layers"]) == len(described["rootfs"]["diff_ids"]) == 2
    assert (entries["opt/bin/it"].mode, entries["opt/bin/it"].uid, entries["opt/bin/it"].uname) == (0o755, 0, "")
    assert entries["etc/passwd"].mode == 0o644
    assert entries["bin/sh"].linkname == "busybox"
    assert entries["tmp"].mode == 0o1777
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".tar"] == ["program"]


def test_a_name_without_a_tag_gets_that_of_the_content(tmp_path: Path) -> None:
    first, manifest, _, _ = _made(tmp_path, "snapline")
    assert first == f"snapline:{manifest['Config'][:16]}"
    assert _made(tmp_path, "snapline")[0] == first
    assert _made(tmp_path, "rabbitmq:4.3.6-management")[0] == "rabbitmq:4.3.6-management"
