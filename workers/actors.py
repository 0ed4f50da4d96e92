"""The line as Dramatiq's actors: one for each queue and named like it, in the order in which jobs pass them.

What a queue hears stands in schemas/topology.py, what is called for it in line.py. An event comes as a plain
CloudEvent: `broker.get_actor("license.gate").send({"specversion": "1.0", "type": "backup.requested.v1", ...})`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import dramatiq

from schemas import topology
from workers import line
from workers.adapters.broker import delivery
from workers.deliveries import Outcome
from workers.needs import Needs
from workers.receive import Row, receive

Document = dict[str, Any]
"""A CloudEvent as JSON has it."""
Receive = Callable[[Callable[[Needs], Row], Document], None]


def declare(broker: dramatiq.Broker, needs: Needs) -> None:
    """Declares the actors of all queues but the node queues."""
    actor = partial(_actor, broker)
    run = partial(_run, needs)

    @actor("license.gate")
    def license_gate(event: Document) -> None:
        """Verifies the license of every application concerned, and names the job."""
        run(line.gate, event)

    @actor("manifest.capture")
    def manifest_capture(event: Document) -> None:
        """Selects, reads and stores the objects, and plans the copying of volumes."""
        run(line.capture, event)

    @actor("backup.finalize")
    def backup_finalize(event: Document) -> None:
        """Writes the backup's record when everything that was planned is accounted for."""
        run(line.finalize_backup, event)

    @actor("restore.prepare")
    def restore_prepare(event: Document) -> None:
        """Plans a restore, and waits until what it will replace is gone."""
        run(line.prepare_restore, event)

    @actor("restore.apply")
    def restore_apply(event: Document) -> None:
        """Creates the objects in waves, and has the volumes written before the workloads start."""
        run(line.apply_restore, event)

    @actor("restore.finalize")
    def restore_finalize(event: Document) -> None:
        """Writes the restore's record when its workloads are ready."""
        run(line.finalize_restore, event)

    @actor("notify")
    def notify(event: Document) -> None:
        """Tells every receiver how a job has ended."""
        run(line.notify_receivers, event)

    @actor("repository.maintain")
    def repository_maintain(event: Document) -> None:
        """Deletes backups, reclaims space, reads back."""
        run(line.maintain_repository, event)

    @actor("watchdog")
    def watchdog(event: Document) -> None:
        """Tells the missing next step of jobs that show no progress."""
        run(line.watch, event)

    @actor("retention")
    def retention(event: Document) -> None:
        """Asks for the deletion of backups that have expired."""
        run(line.expire, event)

    @actor("alarms")
    def alarms(event: Document) -> None:
        """Tells what is wrong although no job says so."""
        run(line.look_for_alarms, event)


def declare_node(broker: dramatiq.Broker, needs: Needs, node: str) -> None:
    """Declares the actor of the node queue `volumes.<node>`."""

    @_actor(broker, topology.volumes(node).name)
    def volumes(event: Document) -> None:
        """Copies or restores one slice of a pod's volumes on this node."""
        _run(needs, line.volumes, event)


def _actor(broker: dramatiq.Broker, name: str) -> Callable[[Callable[[Document], None]], object]:
    return dramatiq.actor(
        broker=broker,
        actor_name=name,
        queue_name=name,
        throws=Outcome,
        time_limit=topology.queue(name).time_limit.total_seconds() * 1000,
    )


def _run(needs: Needs, row: Callable[[Needs], Row], event: Document) -> None:
    receive(event, row(needs), needs.tell, delivery(), needs.patience)
