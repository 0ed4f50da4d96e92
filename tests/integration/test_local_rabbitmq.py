"""The private broker of the tests and the demo."""

from deploy.local.rabbitmq import RabbitMQ
from workers.adapters.broker import connection


def test_it_gets_more_virtual_hosts_while_it_runs(broker_server: RabbitMQ) -> None:
    before = list(broker_server.vhosts)
    new = broker_server.add_vhosts(2)
    assert len(set(before + new)) == len(before) + 2
    for vhost in new:
        for user in ("snapline", "producer", "operator"):
            connection.close(connection.connect(broker_server.url_of(user, vhost)))
