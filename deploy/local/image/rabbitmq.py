"""An image of RabbitMQ from the distribution's package, laid out as the official one is: the same user, home, folder of
configuration, and commands on PATH. Its version is the distribution's, whatever its name says."""

import os
from pathlib import Path
from typing import Any

from deploy.local.image.archive import Entry, Layer, libraries, tree, write

USER = 999
HOME = "/var/lib/rabbitmq"
ERLANG, RABBITMQ, BUSYBOX = Path("/usr/lib/erlang"), Path("/usr/lib/rabbitmq"), Path("/bin/busybox")
TOOLS = ("sh", "basename", "cat", "cp", "date", "df", "dirname", "env", "expr", "id", "mkdir", "readlink", "rm", "sed")
"""What RabbitMQ's scripts call, and what it runs itself."""
TEXTS = {
    "/etc/passwd": f"root:x:0:0::/root:/bin/sh\nrabbitmq:x:{USER}:{USER}::{HOME}:/bin/sh\n",
    "/etc/group": f"root:x:0:\nrabbitmq:x:{USER}:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}


def make(out: Path, name: str) -> str:
    """Writes the image to `out`; returns its name. Takes a second. Raises FileNotFoundError if RabbitMQ, Erlang or
    busybox are not installed."""
    for needed in (ERLANG, RABBITMQ, BUSYBOX):
        if not needed.exists():
            raise FileNotFoundError(f"there is no {needed}: apt-get install rabbitmq-server busybox")
    links = {f"/bin/{tool}": "busybox" for tool in TOOLS}
    return write(out, [Layer(_files(), TEXTS, links, folders=("tmp",))], _config(), name)


def _files() -> list[Entry]:
    programs = [*tree(ERLANG, str(ERLANG)), *tree(RABBITMQ, str(RABBITMQ))]
    linked = [here for _, here in programs if here.suffix == ".so" or _runs(here)]
    return [(str(BUSYBOX), BUSYBOX), *programs, *((str(library), library) for library in libraries(linked))]


def _runs(file: Path) -> bool:
    with file.open("rb") as opened:
        return os.access(file, os.X_OK) and opened.read(4) == b"\x7fELF"


def _config() -> dict[str, Any]:
    [scripts] = RABBITMQ.glob("lib/*/sbin")  # which look for the rest from where they are
    environment = [
        f"PATH={scripts}:{ERLANG}/bin:/bin",
        f"HOME={HOME}",
        "LANG=C.UTF-8",
    ]
    return {"Env": environment, "Entrypoint": ["rabbitmq-server"], "WorkingDir": "/"}
