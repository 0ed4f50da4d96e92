"""Makes an image of this checkout from what the machine has: the interpreter that runs this, the libraries that it
needs, the packages that Snapline depends on, and Snapline. No registry and no Docker; as `docker save` would write it.

    python -m deploy.local.image OUT.tar

prints the name of the image. There is no shell in it, and it runs as user 10001, as the one of deploy/Dockerfile does.
"""

import compileall
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

USER = 10001
OURS = ("schemas", "workers", "producers")
EXTRAS = ("gcs", "azure", "tracing")
CHECKOUT = Path(__file__).parents[2]
PREFIX = PurePosixPath("/usr/local")
PACKAGES = "/opt/snapline"
LEFT_OUT = re.compile(r"test|idlelib|lib2to3|ensurepip|turtledemo|tkinter|site-packages|dist-packages|config-.*")
"""Of the standard library: what is of no use, or not part of it."""
TEXTS = {
    "/etc/passwd": f"root:x:0:0::/root:/sbin/nologin\nsnapline:x:{USER}:{USER}::/var/cache/snapline:/sbin/nologin\n",
    "/etc/group": f"root:x:0:\nsnapline:x:{USER}:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    "/usr/local/bin/snapline": (
        f"#!{PREFIX}/bin/python\nimport sys\nfrom producers.cli.main import main\nsys.exit(main())\n"
    ),
}

Entry = tuple[str, Path]
"""Where a file belongs in the image, and where it is here."""


def make(out: Path) -> str:
    """Writes the image to `out`; returns its name, whose tag is that of its content. Takes seconds, and a few hundred
    megabytes there. Raises CalledProcessError without the tool `ldd`."""
    for package in OURS:
        compileall.compile_dir(CHECKOUT / package, quiet=2)
    ours = [entry for package in OURS for entry in _tree(CHECKOUT / package, f"{PACKAGES}/{package}")]
    with TemporaryDirectory(dir=out.parent) as folder:
        layers = [
            _layer(Path(folder) / "base.tar", [*_interpreter(), *_dependencies()], TEXTS),
            _layer(Path(folder) / "snapline.tar", ours, {}),
        ]
        return _write(out, layers)


def _interpreter() -> list[Entry]:
    """Python, its standard library, and the C libraries that any of our files is linked with."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = Path(sys.base_prefix) / "bin" / version
    standard = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    files = [(f"{PREFIX}/bin/{version}", program), (f"{PREFIX}/bin/python", program)]
    for child in sorted(standard.iterdir()):
        if not LEFT_OUT.fullmatch(child.name):
            files += _tree(child, f"{PREFIX}/lib/{version}/{child.name}")
    linked = [program, *standard.glob("lib-dynload/*.so"), *(here for _, here in _dependencies() if ".so" in here.name)]
    return [*files, *((str(library), library) for library in _libraries(linked)), *_zones()]


def _tree(here: Path, there: str) -> list[Entry]:
    """All files of a folder, or the file."""
    if here.is_file():
        return [(there, here)]
    found = sorted(path for path in here.rglob("*") if path.is_file())
    return [(f"{there}/{path.relative_to(here)}", path) for path in found]


def _libraries(linked: Iterable[Path]) -> list[Path]:
    """Where the loader finds what these are linked with, but what their own packages bring along."""
    said = subprocess.run(["ldd", *map(str, linked)], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.MULTILINE)
    if not found:
        raise subprocess.CalledProcessError(1, "ldd", said)
    return sorted({Path(path) for path in found if "-packages/" not in path})


def _zones() -> list[Entry]:
    """The time zones, of which schedules speak."""
    return _tree(Path("/usr/share/zoneinfo"), "/usr/share/zoneinfo") if Path("/usr/share/zoneinfo").is_dir() else []


def _dependencies() -> list[Entry]:
    """The files of every installed package that Snapline needs; of Snapline itself what says its version."""
    return [entry for each in _needed("snapline", EXTRAS) for entry in _files(each)]


def _needed(name: str, extras: Iterable[str]) -> list[metadata.Distribution]:
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(f"{name}[{','.join(extras)}]")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop()
        found[asked.name.lower()] = distribution = metadata.distribution(asked.name)
        for extra in {"", *asked.extras} - {extra for other, extra in seen if other == asked.name}:
            seen.add((asked.name, extra))
            needs = [Requirement(text) for text in distribution.requires or []]
            waiting += [each for each in needs if each.marker is None or each.marker.evaluate({"extra": extra})]
    return [found[key] for key in sorted(found)]


def _files(distribution: metadata.Distribution) -> Iterator[Entry]:
    for file in distribution.files or []:
        here = Path(str(file.locate()))
        inside = ".." not in file.parts and not file.parts[0].startswith("__editable__")
        if inside and here.is_file() and file.name not in ("direct_url.json", "RECORD"):
            yield f"{PACKAGES}/{file}", here


def _layer(out: Path, files: Iterable[Entry], texts: dict[str, str]) -> Path:
    """With the times of sources, by which Python knows what it has compiled."""
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("tmp", "var/cache/snapline"):
            if texts:
                _add_folder(tar, name)
        for there, text in texts.items():
            _add(tar, there, text.encode(), 0o755 if "/bin/" in there else 0o644)
        for there, here in files:
            entry = tar.gettarinfo(str(here.resolve()), there.lstrip("/"))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if os.access(here, os.X_OK) else 0o644
            entry.mtime = int(entry.mtime)
            if entry.islnk():  # the same file twice
                entry.type, entry.size = tarfile.REGTYPE, here.stat().st_size
            with here.open("rb") as file:
                tar.addfile(entry, file)
    return out


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o1777, USER, USER
    tar.addfile(entry)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _write(out: Path, layers: list[Path]) -> str:
    """The layers as an image (https://github.com/moby/docker-image-spec)."""
    digests = []
    for layer in layers:
        with layer.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    config = json.dumps(_config(digests)).encode()
    digest = hashlib.sha256(config).hexdigest()
    name = f"snapline:{digest[:16]}"
    names = [f"{each}/layer.tar" for each in digests]
    manifest = [{"Config": f"{digest}.json", "RepoTags": [name], "Layers": names}]
    with tarfile.open(out, "w") as tar:
        _add(tar, f"{digest}.json", config)
        for layer, there in zip(layers, names, strict=True):
            tar.add(layer, there)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return name


def _config(layers: list[str]) -> object:
    environment = [
        f"PATH={PREFIX}/bin",
        f"PYTHONPATH={PACKAGES}",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/var/cache/snapline",
    ]
    return {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"User": str(USER), "Env": environment, "Entrypoint": ["snapline"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each}" for each in layers]},
    }


def main(out: str) -> None:
    """For the command line."""
    print(make(Path(out)))  # noqa: T201  # what was asked for


if __name__ == "__main__":
    main(*sys.argv[1:])
