"""One private RabbitMQ for the tests of a session, and a virtual host of its own for each test."""

from collections.abc import Iterator

import pytest

from deploy.local import rabbitmq

VHOSTS = 50


@pytest.fixture(scope="session")
def broker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq.RabbitMQ]:
    """A broker that nobody kills."""
    with rabbitmq.start(tmp_path_factory.mktemp("rabbitmq"), vhosts=VHOSTS) as server:
        yield server


@pytest.fixture(scope="session")
def spare_vhosts(broker_server: rabbitmq.RabbitMQ) -> Iterator[str]:
    """Those that no test has yet."""
    return iter(broker_server.vhosts[1:])


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
