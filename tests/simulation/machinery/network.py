"""What lies between processes and the services they ask: it may be down, for one of them or for all."""

from typing import Literal

from schemas.errors import TransientError
from tests.simulation.machinery.machines import Machines

Service = Literal["store", "cluster", "broker"]
SERVICES: tuple[Service, ...] = ("store", "cluster", "broker")
EVERYBODY = ""


class Network:
    """Connections that are down: of a process by name, or of everybody."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._down: set[tuple[Service, str]] = set()

    def cut(self, service: Service, process: str = EVERYBODY) -> None:
        """Nothing gets through any more."""
        self._down.add((service, process))
        self._machines.note(f"*** no way to the {service} for {process or 'anybody'}")

    def mend(self, service: Service, process: str = EVERYBODY) -> None:
        """It does again."""
        self._down.discard((service, process))
        self._machines.note(f"*** the way to the {service} is back for {process or 'everybody'}")

    def mend_all(self) -> None:
        """All is well again."""
        for service, process in sorted(self._down):
            self.mend(service, process)

    def is_down(self, service: Service) -> bool:
        """For the process that asks."""
        process = self._machines.process
        return (service, EVERYBODY) in self._down or (process is not None and (service, process.name) in self._down)

    def ask(self, service: Service, what: str) -> None:
        """Raises TransientError if it does not get through."""
        if self.is_down(service):
            raise TransientError(f"could not reach the {service}: {what}: connection refused")
