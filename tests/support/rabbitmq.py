"""One private RabbitMQ for the tests of a session, and a virtual host of its own for each test."""

from collections.abc import Iterator

import pytest

from deploy.local import rabbitmq

VHOSTS = 25
"""So many at first, and so many more whenever they are used up."""


@pytest.fixture(scope="session")
def broker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq.RabbitMQ]:
    """A broker that nobody kills."""
    with rabbitmq.start(tmp_path_factory.mktemp("rabbitmq"), vhosts=VHOSTS) as server:
        yield server


@pytest.fixture(scope="session")
def spare_vhosts(broker_server: rabbitmq.RabbitMQ) -> Iterator[str]:
    """Those that no test has yet, without end."""
    return _vhosts(broker_server)


@pytest.fixture
def vhost(spare_vhosts: Iterator[str]) -> str:
    """An empty virtual host."""
    return next(spare_vhosts)


@pytest.fixture
def url(broker_server: rabbitmq.RabbitMQ, vhost: str) -> str:
    """The empty virtual host, for the workers' user."""
    return broker_server.url_of("snapline", vhost)


@pytest.fixture
def producer_url(broker_server: rabbitmq.RabbitMQ, vhost: str) -> str:
    """The same, for other systems' user, who may ask for backups."""
    return broker_server.url_of("producer", vhost)


@pytest.fixture
def operator_url(broker_server: rabbitmq.RabbitMQ, vhost: str) -> str:
    """The same, for the user who may ask for everything."""
    return broker_server.url_of("operator", vhost)


def _vhosts(server: rabbitmq.RabbitMQ) -> Iterator[str]:
    yield from server.vhosts[1:]
    while True:
        yield from server.add_vhosts(VHOSTS)
