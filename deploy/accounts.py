"""Makes the accounts of a deployment on the broker: a file with its address for each service, which holds the
password, and one with the rights of all, for RabbitMQ. Passwords that are there stay.

    python -m deploy.accounts FOLDER [NODE...]
"""

import json
import secrets
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from deploy.local.rabbitmq import user
from schemas import broker_accounts
from schemas.services import services

BROKER = "rabbitmq:5672"
"""Where docker-compose.yml has it."""
ADDRESS = "SNAPLINE_AMQP_URL"
RIGHTS = "rabbitmq.json"


def write(folder: Path, nodes: tuple[str, ...], *, broker: str = BROKER, vhost: str = "/") -> Path:
    """`<service>.env` for each service, with a worker for each of `nodes`, and `rabbitmq.json`, which is returned. Only
    their owner may enter the folder; `rabbitmq.json`, which has no password, is read by the broker's container."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {name: _password(folder / f"{name}.env") for name in services(nodes)}
    for name, password in passwords.items():
        url = f"amqp://{quote(name, safe='')}:{password}@{broker}/{quote(vhost, safe='')}"
        _write(folder / f"{name}.env", f"{ADDRESS}={url}\n")
    (folder / RIGHTS).write_text(json.dumps(definitions(passwords, nodes, vhost), indent=2))
    return folder / RIGHTS


def read(file: Path) -> dict[str, str]:
    """The settings in such a file."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def definitions(passwords: dict[str, str], nodes: tuple[str, ...], vhost: str) -> dict[str, Any]:
    """What RabbitMQ imports."""
    users = [user(name, password) for name, password in passwords.items()]
    return {"users": users, **broker_accounts.definitions(vhost, nodes)}


def _password(file: Path) -> str:
    if file.exists() and (known := urlsplit(read(file).get(ADDRESS, "")).password):
        return unquote(known)
    return secrets.token_hex(16)


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def main(folder: str, *nodes: str) -> None:
    """For the command line."""
    write(Path(folder), nodes)


if __name__ == "__main__":
    main(*sys.argv[1:])
