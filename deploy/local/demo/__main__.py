"""`make demo`: snapshot, disaster, restore, comparison; on the whole system, started for the occasion.

Exit codes: 0 all is back, 1 something differs or failed.
"""

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from deploy.local import console
from deploy.local.demo.acts import play
from deploy.local.demo.report import DemoFailed, Report, say
from deploy.local.stack import Stack, running
from schemas.errors import SnaplineError


def main() -> int:
    """Runs the demonstration; the exit code."""
    options = _options()
    root = Path(tempfile.mkdtemp(prefix="snapline-demo-"))
    report = Report()
    try:
        with running(root) as stack:
            play(stack, report)
            Console().print(report.table())
            _where_next(stack, keep=options.keep)
        return 0
    except (DemoFailed, SnaplineError, RuntimeError) as error:
        say.print(report.table())
        say.print(f"[red]The demo failed:[/red] {error}", markup=True)
        say.print(_last_words(root), markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stack running at the end")
    return parser.parse_args()


def _where_next(stack: Stack, *, keep: bool) -> None:
    if not keep:
        say.print("Next: `make demo KEEP=1` leaves all this running for the CLI; README.md goes on from there.")
        return
    served = console.start(stack)
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    ours = {name: value for name, value in sorted(stack.environment.items()) if name.startswith("SNAPLINE_")}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in ours.items()]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    environment = stack.root / "environment"
    environment.write_text("\n".join(lines) + "\n")
    Console(soft_wrap=True).print(f"\n{environment.read_text()}", markup=False, highlight=False)
    say.print(f"The stack runs until Ctrl-C. In another shell: `. {environment}`, then for example", soft_wrap=True)
    say.print("`snapline get backups`, `snapline events tail --from first`, `snapline backup --app shop-floor --wait`")
    say.print(f"\nThe admin console: {served.url}", style="bold", soft_wrap=True)
    once = f"Log in with the password {served.password}, which works once: you choose your own."
    say.print(once, soft_wrap=True, markup=False)
    signal.sigwait(signals)


def _last_words(root: Path) -> str:
    """The ends of the workers' logs."""
    logs = sorted((root / "log").glob("*.log"))
    return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-5:]) for log in logs)


if __name__ == "__main__":
    sys.exit(main())
