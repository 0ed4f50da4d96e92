"""Who can open a repository, and what those see who cannot (FORMAT 3, 4, 12)."""

import base64
import json
import os
import threading
from pathlib import Path

import pytest

from schemas.errors import Damaged, Denied, Invalid, NotFound
from tests.support.volumes import copy, new_repository, objects
from workers.adapters.memory import MemoryObjectStore
from workers.repository import keyring, recovering
from workers.repository.layout import FIRST_KEY, KEYS


def test_two_that_open_an_empty_store_at_once_have_one_key() -> None:
    store = MemoryObjectStore()
    found: list[keyring.Keys] = []
    threads = [threading.Thread(target=lambda: found.append(keyring.open_keys(store, "p"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keys.identity for keys in found}) == 1
    assert list(objects(store)) == [FIRST_KEY]


def test_two_that_open_an_empty_store_with_different_passphrases_do_not_both_succeed() -> None:
    store = MemoryObjectStore()
    keyring.open_keys(store, "mine")
    with pytest.raises(Denied, match="opens none of the 1 keys"):
        keyring.open_keys(store, "another")


def test_no_new_key_is_made_where_packs_are_without_keys(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    store = MemoryObjectStore()
    copy(new_repository(store), tmp_path)
    store.delete(FIRST_KEY)
    with pytest.raises(Damaged, match="keys are gone"):
        keyring.open_keys(store, "p")
    assert not objects(store, KEYS)


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


def test_the_last_key_stays() -> None:
    store = MemoryObjectStore()
    keyring.open_keys(store, "p")
    with pytest.raises(Invalid, match="last key"):
        keyring.remove(store, "first")
    with pytest.raises(NotFound):
        keyring.remove(store, "another")


def test_a_key_record_that_asks_for_too_much_memory_is_damaged() -> None:
    store = MemoryObjectStore()
    keyring.open_keys(store, "p")
    fields = json.loads(store.get(FIRST_KEY))
    changes: tuple[dict[str, object], ...] = (
        {"n": 2**24},
        {"r": 1024},
        {"p": 10**6},
        {"n": 3},
        {"n": -1},
        {"n": "x"},
        {"salt": "%"},
        {"wrapped": ""},
    )
    for change in changes:
        store.put(FIRST_KEY, json.dumps({**fields, **change}).encode())
        with pytest.raises((Damaged, Denied)):
            keyring.unlock(store, "p")
    store.put(FIRST_KEY, json.dumps(fields | {"format": 2}).encode())
    with pytest.raises(Invalid, match="use a newer one"):
        keyring.unlock(store, "p")


def test_a_recovery_text_of_another_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    store = MemoryObjectStore()
    copy(new_repository(store), tmp_path)
    with pytest.raises(Invalid, match="another repository"):
        recovering.recover(store, keyring.recovery_text(os.urandom(32)), "p", "")
    with pytest.raises(NotFound):
        recovering.recover(MemoryObjectStore(), keyring.recovery_text(os.urandom(32)), "p", "")


def test_every_single_wrong_letter_of_a_recovery_text_is_noticed() -> None:
    text = keyring.recovery_text(bytes(range(32)))
    assert keyring.from_recovery_text(text.lower().replace("-", " ")) == bytes(range(32))
    for at, letter in enumerate(text):
        if letter != "-":
            other = "A" if letter != "A" else "B"
            with pytest.raises(Invalid):
                keyring.from_recovery_text(text[:at] + other + text[at + 1 :])


def test_nothing_readable_is_stored(tmp_path: Path) -> None:
    """Neither names nor contents, compressed or not, nor ids of contents."""
    name, content = "very-secret-name", os.urandom(5000)
    (tmp_path / name).mkdir()
    (tmp_path / name / "same").write_bytes(content)
    (tmp_path / "link").symlink_to(name)
    os.setxattr(tmp_path / name, "user.secret-attribute", b"secret-value")
    store = MemoryObjectStore()
    repository = new_repository(store)
    copy(repository, tmp_path)
    everything = b"".join(key.encode() + store.get(key) for key in objects(store))
    id_ = repository.keys.id_of("d", content)
    for planted in (name.encode(), content[:50], b"secret-attribute", b"secret-value", id_, id_.hex().encode()):
        assert planted not in everything
        assert base64.b64encode(planted)[:-4] not in everything


def test_what_is_moved_to_another_place_does_not_open(tmp_path: Path) -> None:
    """An index object under another name, a pack in place of another (F8)."""
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    store = MemoryObjectStore()
    repository = new_repository(store)
    copy(repository, tmp_path)
    for prefix in ("repository/index/", "repository/volumes/"):
        [key] = objects(store, prefix)
        with pytest.raises(Damaged):
            repository.unseal(store.get(key), key + "x")
