"""Layers of files, and an image of them (https://github.com/moby/docker-image-spec)."""

import hashlib
import io
import json
import os
import platform
import re
import subprocess
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Entry = tuple[str, Path]
"""Where a file belongs in the image, and where it is here."""


@dataclass(frozen=True)
class Layer:
    """What comes on top of the layers below: `texts` and `links` by where they belong; anybody writes to `folders`."""

    files: Sequence[Entry]
    texts: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()


def write(out: Path, layers: Sequence[Layer], config: Mapping[str, Any], name: str) -> str:
    """The image in the file `out`; returns its full name. A `name` without a tag gets that of its content. Takes the
    image's size again beside `out`, for a while."""
    written = [_layer(out.with_name(f"{out.name}.{number}"), layer) for number, layer in enumerate(layers)]
    try:
        return _write(out, written, config, name)
    finally:
        for each in written:
            each.unlink()


def tree(here: Path, there: str) -> list[Entry]:
    """All files of a folder, or the file."""
    if here.is_file():
        return [(there, here)]
    found = sorted(path for path in here.rglob("*") if path.is_file())
    return [(f"{there}/{path.relative_to(here)}", path) for path in found]


def libraries(linked: Iterable[Path]) -> list[Path]:
    """Where the loader finds what these are linked with. Raises CalledProcessError without the tool `ldd`."""
    said = subprocess.run(["ldd", *map(str, linked)], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.MULTILINE)
    if not found:
        raise subprocess.CalledProcessError(1, "ldd", said)
    return sorted({Path(path) for path in found})


def _layer(out: Path, layer: Layer) -> Path:
    """With the times of sources, by which Python knows what it has compiled."""
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in layer.folders:
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        for there, target in layer.links.items():
            entry = tarfile.TarInfo(there.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for there, text in layer.texts.items():
            _add(tar, there, text.encode(), 0o755 if "/bin/" in there else 0o644)
        for there, here in layer.files:
            _copy(tar, there, here)
    return out


def _copy(tar: tarfile.TarFile, there: str, here: Path) -> None:
    entry = tar.gettarinfo(str(here.resolve()), there.lstrip("/"))
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if os.access(here, os.X_OK) else 0o644
    entry.mtime = int(entry.mtime)
    if entry.islnk():  # the same file twice
        entry.type, entry.size = tarfile.REGTYPE, here.stat().st_size
    with here.open("rb") as file:
        tar.addfile(entry, file)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _write(out: Path, layers: list[Path], config: Mapping[str, Any], name: str) -> str:
    digests = []
    for layer in layers:
        with layer.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    described = json.dumps(_described(digests, config)).encode()
    digest = hashlib.sha256(described).hexdigest()
    full = name if ":" in name else f"{name}:{digest[:16]}"
    names = [f"{each}/layer.tar" for each in digests]
    manifest = [{"Config": f"{digest}.json", "RepoTags": [full], "Layers": names}]
    with tarfile.open(out, "w") as tar:
        _add(tar, f"{digest}.json", described)
        for layer, there in zip(layers, names, strict=True):
            tar.add(layer, there)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return full


def _described(layers: list[str], config: Mapping[str, Any]) -> object:
    return {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each}" for each in layers]},
    }
