"""docs/metrics.md, from schemas/metrics.py."""

from schemas.metrics import Metric, Source, metrics

HEAD = """\
# Metrics

A worker, the scheduler and the console serve these at `/metrics` where `SNAPLINE_PROBE_ADDRESS` says so, for
Prometheus. [deploy/monitoring](../deploy/monitoring) has alert rules and a dashboard for Grafana, and
[deploy/RUNBOOK.md](../deploy/RUNBOOK.md) what to do about each alert. This file is written by `snapline schema` from
`schemas/metrics.py`.

- **No name of a job, no path and nothing that strangers choose is a label.** `queue`, `event`, `destination`, `app` and
  `schedule` have as many values as there are of these. The rate of a single volume is told by events
  (`volumes.progressed.v1`), which `snapline events tail` and the console show.
- **What is true of all applications and destinations** is read by the worker of `alarms` alone, once a minute, from the
  object stores, the cluster and the broker. What it cannot read is absent, and `snapline_fleet_scrape_ok` says so with
  0: an old value never stands for a new one. If two of these workers run, both say it: take
  `max by (app, destination)`.
- **How old the oldest message of a queue is** cannot be asked of RabbitMQ without taking it out. What is known: how
  long messages had lain when they were taken (`snapline_message_waiting_seconds`), and since when every look has found
  some (`min_over_time(snapline_queue_messages[15m]) > 0`).
- **What is told twice counts once**, unless another process tells it again, as after a kill between telling and
  acknowledging. What is said of the newest backup is read from its record, which is written once.
"""
TITLES: dict[Source, str] = {
    "worker": "Every worker",
    "node": "The workers of nodes",
    "all": "Every process",
    "scheduler": "The scheduler",
    "console": "The console",
    "alarms": "The worker of `alarms`: the fleet",
}


def document() -> str:
    """The whole file."""
    return HEAD + "".join(_section(source, title) for source, title in TITLES.items())


def _section(source: Source, title: str) -> str:
    rows = "".join(_row(metric) for metric in metrics() if metric.source == source)
    return f"\n## {title}\n\n| metric | kind | labels | says |\n|---|---|---|---|\n{rows}"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |\n"
