"""`python -m deploy.local.emulator --root DIR`: serves until interrupted or terminated."""

import argparse
import logging
import signal
import threading
from pathlib import Path

from deploy.local.emulator.running import start


def main() -> None:
    """Starts the emulator, says where it is, and waits for SIGINT or SIGTERM."""
    options = _options()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(level=logging.INFO)
    with start(options.root, port=options.port, kubeconfig=options.kubeconfig, nodes=options.nodes.split(",")) as here:
        logging.info("emulated Kubernetes at %s, kubeconfig %s", here.url, here.kubeconfig)
        stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.emulator", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory for volumes and pods")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 for any free one")
    parser.add_argument("--kubeconfig", type=Path, help="file to write; default: kubeconfig in the root")
    parser.add_argument("--nodes", default="node-a", help="names of the nodes, separated by commas")
    return parser.parse_args()


main()
