"""Logs are JSON lines without secrets."""

import json
import logging

import pytest
import structlog

from workers.adapters import logs


@pytest.fixture(autouse=True)
def restored() -> object:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_the_canonical_line_has_all_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    log = structlog.get_logger("notify")
    logs.handled(log, event_id="e", type="t", subject="b", attempt=2, outcome="done", seconds=0.12345)
    [line] = _lines(capsys)
    expected = {"event_id": "e", "type": "t", "subject": "b", "attempt": 2, "outcome": "done", "seconds": 0.123}
    assert expected.items() <= line.items()
    assert str(line["timestamp"]).endswith("Z")


def test_secrets_are_blotted_out_wherever_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(secrets=["hunter2hunter2"])
    log = structlog.get_logger("x")
    log.info("it is hunter2hunter2", nested={"list": ["a hunter2hunter2"]}, password="short")
    log.info("url", where="amqp://user:pass@host:5672/")
    try:
        raise ValueError("hunter2hunter2")
    except ValueError:
        log.exception("failed")
    logging.getLogger("boto3").warning("from a library: %s", "hunter2hunter2")
    text = json.dumps(_lines(capsys))
    assert "hunter2" not in text
    assert "short" not in text
    assert "user:pass" not in text
    assert text.count("[redacted]") >= 6
