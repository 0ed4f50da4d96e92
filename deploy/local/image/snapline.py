"""The image of this checkout: the interpreter that runs this, the libraries that it needs, the packages that Snapline
depends on, and Snapline.

There is no shell in it, and it runs as user 10001, as the one of deploy/Dockerfile does.
"""

import compileall
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import Requirement

from deploy.local.image.archive import Entry, Layer, libraries, tree, write

USER = 10001
OURS = ("schemas", "workers", "producers")
EXTRAS = ("gcs", "azure", "tracing")
CHECKOUT = Path(__file__).parents[3]
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


def make(out: Path, name: str = "snapline") -> str:
    """Writes the image to `out`; returns its name, whose tag is that of its content unless `name` has one. Takes
    seconds, and a few hundred megabytes there. Raises CalledProcessError without the tool `ldd`."""
    for package in OURS:
        compileall.compile_dir(CHECKOUT / package, quiet=2)
    ours = [entry for package in OURS for entry in tree(CHECKOUT / package, f"{PACKAGES}/{package}")]
    below = Layer([*_interpreter(), *_dependencies()], TEXTS, folders=("tmp", "var/cache/snapline"))
    return write(out, [below, Layer(ours)], _config(), name)


def _interpreter() -> list[Entry]:
    """Python, its standard library, and the C libraries that any of our files is linked with."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = Path(sys.base_prefix) / "bin" / version
    standard = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    files = [(f"{PREFIX}/bin/{version}", program), (f"{PREFIX}/bin/python", program)]
    for child in sorted(standard.iterdir()):
        if not LEFT_OUT.fullmatch(child.name):
            files += tree(child, f"{PREFIX}/lib/{version}/{child.name}")
    linked = [program, *standard.glob("lib-dynload/*.so"), *(here for _, here in _dependencies() if ".so" in here.name)]
    return [*files, *((str(library), library) for library in _libraries(linked)), *_zones()]


def _libraries(linked: Iterable[Path]) -> list[Path]:
    """But what the packages bring along themselves."""
    return [path for path in libraries(linked) if "-packages/" not in str(path)]


def _zones() -> list[Entry]:
    """The time zones, of which schedules speak."""
    return tree(Path("/usr/share/zoneinfo"), "/usr/share/zoneinfo") if Path("/usr/share/zoneinfo").is_dir() else []


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


def _config() -> dict[str, Any]:
    environment = [
        f"PATH={PREFIX}/bin",
        f"PYTHONPATH={PACKAGES}",
        "PYTHONDONTWRITEBYTECODE=1",
        "HOME=/var/cache/snapline",
    ]
    return {"User": str(USER), "Env": environment, "Entrypoint": ["snapline"]}
