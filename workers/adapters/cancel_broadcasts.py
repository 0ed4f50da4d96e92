"""Which jobs have been cancelled, as heard on the control exchange."""

import threading

from schemas.job import Job
from workers.adapters import broker


class CancelBroadcasts:
    """The port `Cancellations`. A broadcast that was missed is made up for by the cancel marker, which steps read."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        self._jobs: set[Job] = set()
        self._listener = broker.listen_cancel(url, self._jobs.add, stop)

    def cancelled(self, job: Job) -> bool:
        """See the port."""
        return job in self._jobs
