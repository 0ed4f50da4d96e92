"""Passwords take the same work whether there is such a user or not, and never more than the machine has."""

import threading
from typing import Any

import pytest
from argon2 import PasswordHasher

from producers.access import passwords
from producers.access.passwords import AT_ONCE, Passwords
from schemas.errors import Invalid, TransientError
from tests.support.gate import CHEAP, PASSWORD


class Counting(PasswordHasher):
    """Says how often it has compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str] = []

    def verify(self, hash: Any, password: Any) -> Any:
        self.compared.append(str(hash))
        return super().verify(hash, password)


def test_as_much_work_is_done_for_a_user_that_is_not_there() -> None:
    hasher = Counting()
    hashed = Passwords(hasher)
    assert not hashed.fits(None, PASSWORD)
    assert not hashed.fits(CHEAP.hash("another"), PASSWORD)
    assert hashed.fits(CHEAP.hash(PASSWORD), PASSWORD)
    assert len(hasher.compared) == 3
    parameters = {each.split("$")[3] for each in hasher.compared}
    assert parameters == {"m=8,t=1,p=1"}


def test_what_is_no_hash_is_nobodys_password() -> None:
    assert not Passwords(CHEAP).fits("plain text", "plain text")
    with pytest.raises(Invalid):
        passwords.check_hash("plain text")


def test_a_password_that_is_too_long_is_never_right() -> None:
    long = "x" * 2000
    assert not Passwords(CHEAP).fits(CHEAP.hash(long), long)


def test_no_more_than_a_few_are_tried_at_once() -> None:
    free, inside = threading.Event(), threading.Semaphore(0)

    class Slow(PasswordHasher):
        def verify(self, hash: Any, password: Any) -> Any:
            inside.release()
            free.wait(120)
            return True

    hashed = Passwords(Slow(), patience=0.01)
    trying = [threading.Thread(target=hashed.fits, args=("$argon2id$x", "y")) for _ in range(AT_ONCE)]
    for each in trying:
        each.start()
    for _ in trying:
        assert inside.acquire(timeout=120)
    try:
        with pytest.raises(TransientError, match="too many are signing in"):
            hashed.fits("$argon2id$x", "y")
    finally:
        free.set()
        for each in trying:
            each.join()


def test_one_time_passwords_differ_and_are_good_ones() -> None:
    made = {passwords.one_time() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        passwords.check_new(each, "admin")
