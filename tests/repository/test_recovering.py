"""A passphrase in place of another, and the recovery text when all are lost (F6)."""

import os
from pathlib import Path

import pytest

from schemas.errors import Denied, Invalid, NotFound
from tests.support.volumes import copy, new_repository
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format import keyring
from workers.repository.format.master_key import from_recovery_text, recovery_text
from workers.repository.upkeep import recover


def test_a_rotation_that_was_killed_leaves_both_open_and_can_be_done_again() -> None:
    store = MemoryObjectStore()
    keys = keyring.open_keys(store, "old")
    master = keyring.unlock(store, "old")
    assert master is not None
    keyring.add(store, master, "new", "killed here")
    assert keyring.open_keys(store, "old") == keyring.open_keys(store, "new") == keys
    keyring.rotate(store, "old", "new", "again")
    assert keyring.open_keys(store, "new") == keys
    with pytest.raises(Denied):
        keyring.open_keys(store, "old")


def test_a_recovery_text_of_another_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    store = MemoryObjectStore()
    copy(new_repository(store), tmp_path)
    with pytest.raises(Invalid, match="another repository"):
        recover.recover(store, recovery_text(os.urandom(32)), "p", "")
    with pytest.raises(NotFound):
        recover.recover(MemoryObjectStore(), recovery_text(os.urandom(32)), "p", "")


def test_every_single_wrong_letter_of_a_recovery_text_is_noticed() -> None:
    text = recovery_text(bytes(range(32)))
    assert from_recovery_text(text.lower().replace("-", " ")) == bytes(range(32))
    for at, letter in enumerate(text):
        if letter != "-":
            other = "A" if letter != "A" else "B"
            with pytest.raises(Invalid):
                from_recovery_text(text[:at] + other + text[at + 1 :])
