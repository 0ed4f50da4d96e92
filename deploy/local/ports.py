"""Free TCP ports on 127.0.0.1."""

import random
import socket

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Linux gives outgoing connections ports from 32768 on; a port from there may be taken a moment later."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(BELOW_EPHEMERAL)  # noqa: S311  # not a secret
        if is_free(port):
            found.add(port)
    return list(found)


def is_free(port: int) -> bool:
    """Whether nobody listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
