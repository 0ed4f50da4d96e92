"""A mail server on 127.0.0.1 that keeps what it is given."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Sink:
    """`mails` are whole messages."""

    port: int = 0
    mails: list[str] = field(default_factory=list)


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Runs one. It knows as much of SMTP as a client needs that sends one mail."""
    sink = Sink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip().upper():
                if line == "DATA":
                    self._say("354 go on")
                    sink.mails.append(self._mail())
                    self._say("250 kept")
                elif line == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 well")

        def _mail(self) -> str:
            lines: list[str] = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line)
            return "\n".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    sink.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
