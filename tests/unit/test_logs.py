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


def test_a_warning_that_says_the_same_is_told_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    logs.configure(clock=lambda: now[0])
    log, library = structlog.get_logger("scheduler"), logging.getLogger("dramatiq.worker")
    for second in range(70):
        now[0] = float(second)
        log.warning("trying again", reason="nobody listens there")
        library.critical("connection %s", "lost")
    log.warning("trying again", reason="it refuses the user")
    log.info("message handled")
    log.info("message handled")
    lines = _lines(capsys)
    told = [(line["event"], line.get("reason"), line.get("kept_back")) for line in lines]
    assert told == [
        ("trying again", "nobody listens there", None),
        ("connection lost", None, None),
        ("trying again", "nobody listens there", 59),
        ("connection lost", None, None),
        ("trying again", "it refuses the user", None),
        ("message handled", None, None),
        ("message handled", None, None),
    ]


def test_only_so_many_warnings_are_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(clock=lambda: 0.0)
    log = structlog.get_logger("x")
    for number in range(logs.MOST_REMEMBERED + 1):
        log.warning(str(number))
    log.warning("0")
    assert len(_lines(capsys)) == logs.MOST_REMEMBERED + 2
