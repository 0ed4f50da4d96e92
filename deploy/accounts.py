"""Makes the accounts of a deployment on the broker: a file with its address for each service, which holds the
password, and one for RabbitMQ, with all that is to be on it. Passwords that are there stay.

    python -m deploy.accounts FOLDER [NODE...]
"""

import secrets
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from schemas import broker_definitions
from schemas.services import services

BROKER = "rabbitmq:5672"
"""Where docker-compose.yml has it."""
ADDRESS = "SNAPLINE_AMQP_URL"
DEFINITIONS = "rabbitmq.json"


def write(folder: Path, nodes: tuple[str, ...], *, broker: str = BROKER, vhost: str = "/") -> Path:
    """`<service>.env` for each service, with a worker for each of `nodes`, and `rabbitmq.json`, which is returned. Only
    their owner may enter the folder; `rabbitmq.json`, which has no password, is read by the broker's container."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {name: _password(folder / f"{name}.env") for name in services(nodes)}
    for name, password in passwords.items():
        url = f"amqp://{quote(name, safe='')}:{password}@{broker}/{quote(vhost, safe='')}"
        _write(folder / f"{name}.env", f"{ADDRESS}={url}\n")
    wanted = broker_definitions.definitions(vhost, nodes, passwords=passwords)
    (folder / DEFINITIONS).write_text(broker_definitions.text(wanted))
    return folder / DEFINITIONS


def read(file: Path) -> dict[str, str]:
    """The settings in such a file."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


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
