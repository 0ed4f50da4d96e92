"""Hears the events of a server, by Server-Sent Events, in a thread of its own."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from producers.cli.reach.asking import Asking
from schemas import events as e
from schemas.errors import MalformedEvent, SnaplineError, TransientError
from workers.adapters.broker import Logged

SILENCE = 45.0
"""Seconds without a word after which a stream is opened anew; the server says every 15 that it is there."""
AGAIN = 1.0
"""Seconds until a stream that has ended is opened anew."""
MISSED = None
"""In place of an event, and in place of all of them where we may not listen."""
Heard = tuple[Logged, bool] | None


class Hearing:
    """What is heard while the context lasts. A stream that ends is opened anew, after the last event."""

    def __init__(self, asking: Asking, query: dict[str, Any]) -> None:
        self._asking, self._query = asking, query
        self._heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._last = ""

    def get(self, timeout: float) -> tuple[bool, Heard]:
        """Whether something has come within so many seconds, and what."""
        try:
            return True, self._heard.get(timeout=timeout)
        except queue.Empty:
            return False, None

    def __enter__(self) -> "Hearing":
        threading.Thread(target=self._run, name="hearing", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._asking.lines("events", query=self._query, silence=SILENCE, last=self._last) as lines:
                    for id_, name, data in events(lines):
                        if self._stop.is_set():
                            return
                        self._last = id_ or self._last
                        self._heard.put(read(json.loads(data)) if name == "event" else MISSED)
            except TransientError:
                time.sleep(AGAIN)
            except (SnaplineError, RuntimeError, ValueError):
                self._heard.put(MISSED)  # not for us: the lists have to do
                return


def events(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Id, name and data of each event in the lines of a stream."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line and "data" in fields:
            yield fields.get("id", ""), fields.get("event", "message"), fields["data"]
        if not line:
            fields = {}
            continue
        name, _, value = line.partition(":")
        if name:
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value


def read(said: dict[str, Any]) -> Heard:
    """The event that a server has told, and whether it is believed there; MISSED for one that we do not know."""
    event = {name: value for name, value in said.items() if name not in ("sender", "believed")}
    try:
        parsed = e.parse(json.dumps(event).encode())
    except MalformedEvent:
        return MISSED
    return Logged(0, parsed, str(said.get("sender", ""))), said.get("believed") is True
