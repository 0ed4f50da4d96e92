"""Makes the accounts of a deployment on the broker: a file with its address for each service, which holds the
password, and one for RabbitMQ, with all that is to be on it. Passwords that are there stay.

    python -m deploy.accounts FOLDER [--broker HOST:PORT] [--any-node] [NODE...]
"""

import argparse
import secrets
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from schemas import broker_definitions
from schemas.services import services

BROKER = "rabbitmq:5672"
"""Where docker-compose.yml has it."""
ADDRESS = "SNAPLINE_AMQP_URL"
DEFINITIONS = "rabbitmq.json"


def write(
    folder: Path, nodes: tuple[str, ...], *, any_node: bool = False, broker: str = BROKER, vhost: str = "/"
) -> Path:
    """`<service>.env` for each service, with a worker for each of `nodes`, and one for those of all if `any_node`; and
    `rabbitmq.json`, which is returned. Only their owner may enter the folder; `rabbitmq.json` has no password: it is
    read by the broker's container."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = {name: _password(folder / f"{name}.env") for name in services(nodes, any_node=any_node)}
    for name, password in passwords.items():
        url = f"amqp://{quote(name, safe='')}:{password}@{broker}/{quote(vhost, safe='')}"
        _write(folder / f"{name}.env", f"{ADDRESS}={url}\n")
    wanted = broker_definitions.definitions(vhost, nodes, any_node=any_node, passwords=passwords)
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


def main() -> None:
    """For the command line."""
    parser = argparse.ArgumentParser(description="Make the services' accounts on the broker.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("nodes", nargs="*", help="names of nodes, with an account for each")
    parser.add_argument("--broker", default=BROKER, help="host and port of RabbitMQ")
    parser.add_argument("--any-node", action="store_true", help="one account for the workers of all nodes")
    given = parser.parse_args()
    write(given.folder, tuple(given.nodes), any_node=given.any_node, broker=given.broker)


if __name__ == "__main__":
    main()
