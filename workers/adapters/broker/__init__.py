"""RabbitMQ and Dramatiq: the only importer of `pika` and `dramatiq`."""

from workers.adapters.broker.control import broadcast_cancel, listen_cancel
from workers.adapters.broker.dead_letters import DeadLetter, drop, list_dead_letters, listeners, redrive
from workers.adapters.broker.declaring import declare
from workers.adapters.broker.event_log import Logged, Since, read_log
from workers.adapters.broker.publishing import Publisher
from workers.adapters.broker.serving import serve

__all__ = [
    "DeadLetter",
    "Logged",
    "Publisher",
    "Since",
    "broadcast_cancel",
    "declare",
    "drop",
    "list_dead_letters",
    "listen_cancel",
    "listeners",
    "read_log",
    "redrive",
    "serve",
]
