"""RabbitMQ and Dramatiq: with the actors and the process around them, the only importer of `pika` and `dramatiq`."""

from dramatiq.middleware import Shutdown, TimeLimitExceeded

from workers.adapters.broker.consuming import EventBroker, delivery
from workers.adapters.broker.control import broadcast_cancel, listen_cancel
from workers.adapters.broker.dead_letters import (
    DeadLetter,
    count_dead_letters,
    drop,
    list_dead_letters,
    queue_state,
    queue_states,
    redrive,
    sure_states,
)
from workers.adapters.broker.declaring import declare
from workers.adapters.broker.event_log import Logged, Since, Start, read_log
from workers.adapters.broker.log_slices import read_slice
from workers.adapters.broker.observing.spans import Spans
from workers.adapters.broker.publishing import Publisher
from workers.adapters.broker.settling import LostDeliveries, SafeRetries
from workers.adapters.broker.watching import Prefetch, StepTimes, StopRequests, ThreadWatch, consuming, dead_threads

__all__ = [
    "DeadLetter",
    "EventBroker",
    "Logged",
    "LostDeliveries",
    "Prefetch",
    "Publisher",
    "SafeRetries",
    "Shutdown",
    "Since",
    "Spans",
    "Start",
    "StepTimes",
    "StopRequests",
    "ThreadWatch",
    "TimeLimitExceeded",
    "broadcast_cancel",
    "consuming",
    "count_dead_letters",
    "dead_threads",
    "declare",
    "delivery",
    "drop",
    "list_dead_letters",
    "listen_cancel",
    "queue_state",
    "queue_states",
    "read_log",
    "read_slice",
    "redrive",
    "sure_states",
]
