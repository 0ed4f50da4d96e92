"""Ends a command in a container that has taken too long, or that a killed worker has left behind.

The exec API cannot: a command goes on when its caller leaves. So each hook is started with a mark in its environment,
which all that it starts inherits, and a second command looks for the mark and ends what carries it. That needs `env`,
`sh` and `cat` in the container; without them the command runs unmarked, and may go on. So may what has changed its
user or its environment since.
"""

import hashlib
import re
from datetime import timedelta

from schemas.errors import SnaplineError
from schemas.job import Job
from schemas.records import HookPlan
from workers.ports import Cluster, ExecResult

MARK = "SNAPLINE_HOOK"
"""The environment variable that carries the mark."""
PATIENCE = timedelta(minutes=1)
"""For the second command: five seconds to end by itself, then it is killed."""
SCRIPT = """
mark=SNAPLINE_HOOK=$1
marked() {
  for pid; do
    case "$(cat "/proc/$pid/environ" 2>/dev/null)" in *"$mark"*) echo "$pid";; esac
  done 2>/dev/null
}
all() {
  if printf 'a\\000b' | grep -qsF b; then
    for file in $(grep -lsF "$mark" [0-9]*/environ); do echo "${file%/environ}"; done
  else
    marked [0-9]*
  fi
}
command -v cat >/dev/null && cd /proc || exit 2
found=$(all)
[ -n "$found" ] || exit 3
for signal in TERM KILL KILL; do
  kill -"$signal" $found 2>/dev/null
  tries=0
  while [ "$tries" -lt 50 ] && [ -n "$(marked $found)" ]; do
    sleep 0.1 2>/dev/null || { sleep 1; tries=$((tries + 9)); }
    tries=$((tries + 1))
  done
  found=$(all)
  [ -n "$found" ] || exit 0
done
exit 4
""".strip()
"""Zeros stand between the variables of an environment. Shells leave them out; busybox' `grep` stops at the first."""

NO_ENV = re.compile(r"exec: ['\"`]?env['\"`]?: |executable file ['\"`]?env['\"`]? not found")
"""What container runtimes say if there is no `env`."""


def mark_of(job: Job, pod: str, phase: str, number: int) -> str:
    """The mark of a hook: the same each time that it is run for the job."""
    return hashlib.sha256(f"{job}/{pod}/{phase}/{number}".encode()).hexdigest()[:32]


def marked(command: list[str], mark: str) -> list[str]:
    """The command with the mark. One that `env` would take for its own argument stays as it is."""
    if "=" in command[0] or command[0].startswith("-"):
        return command
    return ["env", f"{MARK}={mark}", *command]


def has_no_env(result: ExecResult) -> bool:
    """Whether the command was not begun because the container has no `env`."""
    return result.exit_code == 127 and NO_ENV.search(result.stderr) is not None


def end(cluster: Cluster, namespace: str, hook: HookPlan, mark: str) -> bool:
    """Ends what carries the mark, and all that it started. Whether something did, and is gone."""
    command = ["sh", "-c", SCRIPT, "snapline-end", mark]
    try:
        ended = cluster.exec(namespace, hook.pod, hook.container, command, deadline=PATIENCE, limit=256)
    except SnaplineError:
        return False
    return ended.exit_code == 0
