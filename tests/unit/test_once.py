"""A property that is worked out once for each object, and holds up nobody else."""

import threading
from dataclasses import dataclass, field

import pytest

from schemas.errors import TransientError
from workers.jobs.once import once

PATIENCE = 60
"""Seconds."""


@dataclass(frozen=True)
class _Asking:
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answers: list[object] = field(default_factory=list)

    @once
    def answer(self) -> object:
        """From afar."""
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        answer = self.answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_it_is_worked_out_once_and_what_was_raised_is_not_kept() -> None:
    asking = _Asking(answers=["later", 7, TransientError("away")])
    asking.go_on.set()
    with pytest.raises(TransientError, match="away"):
        _ = asking.answer
    assert (asking.answer, asking.answer, asking.answers) == (7, 7, ["later"])
    assert _Asking.answer.__doc__ == "From afar."


def test_who_waits_for_an_answer_holds_up_no_other_object() -> None:
    slow, quick = _Asking(answers=["slow"]), _Asking(answers=["quick"])
    thread = threading.Thread(target=lambda: slow.answer)
    thread.start()
    assert slow.begun.wait(PATIENCE)
    quick.go_on.set()
    assert quick.answer == "quick"
    slow.go_on.set()
    thread.join(PATIENCE)
    assert slow.answer == "slow"
