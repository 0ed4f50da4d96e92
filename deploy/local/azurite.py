"""A private Azure Blob Storage: Azurite, from npm, which `deploy/local/setup` puts beside the Python packages."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob import ContainerClient
from pydantic import SecretStr

from deploy.local.ports import free_ports
from deploy.local.processes import die_with_parent
from schemas.destination import AzureDestination
from schemas.errors import Invalid, TransientError

CONTAINER = "snapline"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Everybody's: the emulator's documentation has it."""
MEMORY = 1000
"""Megabytes of bodies that it keeps."""
PATIENCE = 240.0
"""Seconds until it must answer."""


def program() -> list[str] | None:
    """How to start it; None where it, or Node, is not installed."""
    script = Path(sys.prefix) / "azurite/node_modules/azurite/dist/src/blob/main.js"
    node = shutil.which("node")
    return [node, str(script)] if node and script.exists() else None


@contextmanager
def serving(root: Path) -> Iterator[AzureDestination]:
    """The container `snapline`, while it answers; all is forgotten then. Raises Invalid where it is not installed, and
    TransientError."""
    command = program()
    if command is None:
        raise Invalid("Azurite is not installed here; `deploy/local/setup` installs it where there is npm")
    port = free_ports(1)[0]
    arguments = ["--blobPort", str(port), "--inMemoryPersistence", "--silent", "--disableTelemetry"]
    arguments += ["--skipApiVersionCheck", "--extentMemoryLimit", str(MEMORY)]
    with (root / "azurite.log").open("ab") as log:
        process = subprocess.Popen([*command, *arguments], cwd=root, stdout=log, stderr=log, preexec_fn=die_with_parent)
    try:
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        _await(endpoint, port, process)
        yield AzureDestination(
            container=CONTAINER, storage_account=ACCOUNT, account_key=SecretStr(KEY), endpoint=endpoint
        )
    finally:
        process.kill()
        process.wait()


def _await(endpoint: str, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            credential = {"account_name": ACCOUNT, "account_key": KEY}
            with ContainerClient(endpoint, CONTAINER, credential=credential, retry_total=0) as container:
                container.create_container()
            return
        except ResourceExistsError:
            return
        except (OSError, AzureError) as error:
            if time.monotonic() > deadline or process.poll() is not None:
                raise TransientError(f"Azurite did not start at {endpoint}: {error}") from error
        time.sleep(0.1)
