"""Passphrases open the repository, and nothing else does; nothing in it can be read without."""

import json
import os
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import zstandard

from schemas.errors import Code, Damaged, Denied, Invalid, NotFound
from tests.support.repositories import FailingStore, bodies, digests
from tests.support.volumes import copy, damaged, new_repository, restore, volume_of
from workers import repository
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format import key_record, keyring, master_key
from workers.repository.format.ambient import Ambient, Limits
from workers.repository.format.layout import FIRST_KEY, FORMAT, KEYS, pack_key

QUICK = Ambient(Limits(scrypt_cost=2**4))
"""Real scrypt, but little of it."""
open_keys = partial(keyring.open_keys, ambient=QUICK)
add = partial(keyring.add, ambient=QUICK)
open_repository = partial(repository.open_repository, ambient=QUICK)


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


def master_of(store: MemoryObjectStore, passphrase: str) -> bytes:
    master = keyring.unlock(store, passphrase)
    assert master is not None
    return master


def test_a_passphrase_opens_what_it_made_and_another_one_does_not(store: MemoryObjectStore) -> None:
    made = open_keys(store, "first")
    assert open_keys(store, "first") == made
    with pytest.raises(Denied, match="opens none of the 1 keys") as told:
        open_keys(store, "wrong words")
    assert "wrong words" not in str(told.value)
    with pytest.raises(Invalid, match="no passphrase"):
        open_keys(store, "")


def test_two_repositories_share_nothing(store: MemoryObjectStore) -> None:
    first, second = (open_keys(each, "the same") for each in (store, MemoryObjectStore()))
    for name in ("data_ids", "tree_ids", "packs", "objects", "seed", "identity"):
        assert getattr(first, name) != getattr(second, name)


def test_every_added_passphrase_opens_and_a_removed_one_does_not(store: MemoryObjectStore) -> None:
    made = open_keys(store, "old")
    added = add(store, master_of(store, "old"), "new", "of the new admin")
    assert open_keys(store, "new") == open_keys(store, "old") == made
    assert {(each.id, each.label) for each in keyring.records(store)} == {
        ("first", "first"),
        (added, "of the new admin"),
    }
    keyring.remove(store, "first")
    assert open_keys(store, "new") == made
    with pytest.raises(Denied):
        open_keys(store, "old")


def test_passphrases_change_again_and_again_and_the_keys_stay(store: MemoryObjectStore) -> None:
    made, old, passphrase = open_keys(store, "0"), "first", "0"
    for number in range(1, 5):
        new = add(store, master_of(store, passphrase), str(number), "")
        keyring.remove(store, old)
        old, passphrase = new, str(number)
        assert open_keys(store, passphrase) == made
    assert len(keyring.records(store)) == 1


def test_the_last_key_cannot_be_removed_nor_one_that_is_not_there(store: MemoryObjectStore) -> None:
    open_keys(store, "only")
    with pytest.raises(Invalid, match="last key"):
        keyring.remove(store, "first")
    with pytest.raises(NotFound) as told:
        keyring.remove(store, "second")
    assert told.value.code == Code.NO_SUCH_KEY
    open_keys(store, "only")


def test_the_last_key_that_can_be_read_cannot_be_removed(store: MemoryObjectStore) -> None:
    open_keys(store, "good")
    bad = add(store, master_of(store, "good"), "bad", "")
    store.put(KEYS + bad, b"no key")
    with pytest.raises(Invalid, match="last key"):
        keyring.remove(store, "first")
    keyring.remove(store, bad)
    assert [each.id for each in keyring.records(store)] == ["first"]


def test_two_who_each_remove_the_others_key_leave_one(store: MemoryObjectStore) -> None:
    open_keys(store, "a")
    other = add(store, master_of(store, "a"), "b", "")
    first = FailingStore(store)
    asked: list[str] = []

    def other_goes_first(operation: str, key: str) -> None:
        if operation == "delete" and not asked:
            asked.append(key)
            keyring.remove(store, other)

    first.fault = other_goes_first
    with pytest.raises(Invalid, match="last key"):
        keyring.remove(first, "first")
    assert len(keyring.records(store)) == 1
    assert keyring.unlock(store, "a")


def test_the_recovery_text_brings_everything_back_when_all_keys_are_lost(
    store: MemoryObjectStore, tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_bytes(b"precious")
    volume = volume_of(copy(open_repository(store, "lost"), tmp_path / "source"))
    text = master_key.recovery_text(master_of(store, "lost"))
    for key in bodies(store, KEYS):
        store.delete(key)
    with pytest.raises(Damaged) as told:
        open_repository(store, "lost")
    assert told.value.code == Code.KEYS_LOST
    assert bodies(store, KEYS) == {}
    add(store, master_key.from_recovery_text(text), "found", "recovered")
    restored = restore(open_repository(store, "found"), volume, tmp_path / "target")
    assert (restored.lost, (tmp_path / "target" / "file").read_bytes()) == ((), b"precious")


def test_a_recovery_text_is_forgiving_of_form_and_not_of_mistakes() -> None:
    master = bytes(range(32))
    text = master_key.recovery_text(master)
    for form in (text, text.lower(), text.replace("-", " "), f"  {text}\n", text.replace("-", "")):
        assert master_key.from_recovery_text(form) == master
    letters = [at for at, letter in enumerate(text[:-1]) if letter != "-"]  # most of the last one is padding
    for at in letters:
        wrong = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(Invalid, match="not a recovery text"):
            master_key.from_recovery_text(wrong)
    for wrong in ("", "0189", text[:-1], text + "A", text[5:], "\u00e9" + text, text[:4] + text[9:13] + text[4:9]):
        with pytest.raises(Invalid, match="not a recovery text"):
            master_key.from_recovery_text(wrong)


def test_who_opens_an_empty_store_at_once_agrees_on_one_key(store: MemoryObjectStore) -> None:
    start, found = threading.Barrier(6), list[master_key.Keys]()

    def open_() -> None:
        start.wait()
        found.append(open_keys(store, "shared"))

    openers = [threading.Thread(target=open_) for _ in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert set(bodies(store, KEYS)) == {FIRST_KEY}


def test_who_comes_second_with_another_passphrase_is_told_so(store: MemoryObjectStore) -> None:
    """Just between the look for keys and the write of one."""
    slow = FailingStore(store)

    def meanwhile(operation: str, _key: str) -> None:
        if operation == "create":
            slow.heal()
            open_keys(store, "faster")

    slow.fault = meanwhile
    with pytest.raises(Denied):
        open_keys(slow, "slower")
    assert keyring.unlock(store, "faster")


def test_a_damaged_key_record_locks_nobody_else_out(store: MemoryObjectStore) -> None:
    made = open_keys(store, "one")
    other = add(store, master_of(store, "one"), "two", "")
    for bad, good, key in (("one", "two", FIRST_KEY), ("two", "one", KEYS + other)):
        damaged(store, key, 0)
        assert open_keys(store, good) == made
        with pytest.raises(Damaged, match="put the objects"):
            open_keys(store, bad)
        damaged(store, key, 0)


def test_a_key_of_a_later_format_says_so_and_nothing_is_written(store: MemoryObjectStore) -> None:
    open_keys(store, "words")
    fields = json.loads(store.get(FIRST_KEY))
    store.put(FIRST_KEY, json.dumps({**fields, "format": FORMAT + 1}).encode())
    before = bodies(store)
    with pytest.raises(Invalid, match="use a newer one"):
        open_keys(store, "words")
    assert bodies(store) == before


def test_nobody_without_the_passphrase_makes_records_plain_again(store: MemoryObjectStore) -> None:
    open_keys(store, "words")
    fields = json.loads(store.get(FIRST_KEY))
    for other in ({"format": 1}, {"label": "another"}, {"created": "2020-01-01"}, {"more": 1}):
        store.put(FIRST_KEY, json.dumps({**fields, **other}).encode())
        with pytest.raises(Denied):
            open_keys(store, "words")
    store.put(FIRST_KEY, json.dumps(dict(reversed(fields.items()))).encode())
    assert not open_keys(store, "words").plain_records


def test_a_key_of_format_1_opens_and_plain_records_are_believed_until_it_is_rotated(store: MemoryObjectStore) -> None:
    master = os.urandom(32)
    store.put(FIRST_KEY, key_record.wrap(master, "old", "", QUICK, 1))
    assert open_keys(store, "old") == master_key.derive(master, plain_records=True)
    keyring.rotate(store, "old", "new", "", QUICK)
    assert not open_keys(store, "new").plain_records
    assert not master_key.derive(master).plain_records


def test_nothing_can_be_read_without_the_key(store: MemoryObjectStore, tmp_path: Path) -> None:
    source, planted = tmp_path / "source", os.urandom(5000)
    (source / "a directory to look for").mkdir(parents=True)
    (source / "a directory to look for" / "plain").write_bytes(b"words to look for\n" * 1000)
    (source / "stored as it is").write_bytes(planted)
    (source / "link").symlink_to("a target to look for")
    os.setxattr(source / "stored as it is", "user.attribute_to_find", b"a value to look for")
    repository = new_repository(store)
    copy(repository, source, stop=lambda: True)
    context = "backups/x/manifest"
    store.put(context, repository.seal(b"a manifest to look for", context))
    with repository.new_view() as view:
        view.look()
        ids = [entry.id for pack in view.index.packs() for entry in pack.entries]
    secrets = [b"to look for", b"words", b"attribute_to", b"stored as", b"correct horse", b"plain"]
    secrets += [planted[at : at + 8] for at in range(0, len(planted) - 8, 100)]
    secrets += [part for id_ in ids for part in (id_[:12], id_.hex().encode()[:12])]
    stored = bodies(store)
    assert {key.split("/")[1] for key in stored} >= {"keys", "packs", "index", "volumes"}
    for key, body in stored.items():
        for form in (key.encode(), body, *decompressed(body)):
            assert [secret for secret in secrets if secret in form] == []


def decompressed(body: bytes) -> list[bytes]:
    """What a reader without keys finds behind every sign of compression."""
    found, at = [], body.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        with suppress(zstandard.ZstdError):
            found.append(zstandard.ZstdDecompressor().decompressobj().decompress(body[at:]))
        at = body.find(b"\x28\xb5\x2f\xfd", at + 1)
    return found


def test_a_repository_with_packs_and_no_keys_is_never_begun_anew(store: MemoryObjectStore) -> None:
    store.put(pack_key(bytes(16)), b"a pack")
    with pytest.raises(Damaged, match="its keys are gone"):
        open_keys(store, "words")
    assert bodies(store, KEYS) == {}


def test_the_restored_tree_is_the_same_with_any_of_the_passphrases(store: MemoryObjectStore, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_bytes(b"content")
    volume = volume_of(copy(open_repository(store, "one"), tmp_path / "source"))
    add(store, master_of(store, "one"), "two", "")
    for passphrase in ("one", "two"):
        restore(open_repository(store, passphrase), volume, tmp_path / passphrase)
        assert digests(tmp_path / passphrase) == digests(tmp_path / "source")
