"""Which jobs have been cancelled, as heard on the control exchange."""

import threading

from workers.adapters import broker


class CancelBroadcasts:
    """The port `Cancellations`. A broadcast that was missed is made up for by the cancel marker, which steps read."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        self._jobs: set[str] = set()
        self._listener = broker.listen_cancel(url, lambda _kind, job: self._jobs.add(job), stop)

    def cancelled(self, job: str) -> bool:
        """See the port."""
        return job in self._jobs
