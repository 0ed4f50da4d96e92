"""Bytes that are not what was written are refused as such: no other error, no endless work, no memory without bound."""

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import Damaged, Denied, Invalid, SnaplineError
from tests.support.mutations import mutated
from tests.support.repositories import MANY_PACKS, fill
from tests.support.volumes import copy, every, key_record, new_repository, quiet, slices_of_copy, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.copy import checkpoint
from workers.repository.format import index_object, keyring, marks, packs, tree, tree_decoder, volume_record
from workers.repository.format.ambient import Ambient, Limits
from workers.repository.format.layout import DAMAGE, FIRST_KEY, INDEX, MARKS, PACKS, VOLUMES, pack_key
from workers.repository.format.packs import RAW, ZSTD, PackBuilder, PackEntry
from workers.repository.format.sealing import SealedStore
from workers.repository.restore import batch
from workers.repository.restore import slice as restore_slice
from workers.repository.restore.outcome import Reached
from workers.repository.upkeep import verify

KIB, MIB = 1024, 1024 * 1024
EXAMPLES = int(os.environ.get("SNAPLINE_FUZZ", "150"))
KEYS = key_record()[1]
SEALED = SealedStore(MemoryObjectStore(), KEYS)


def fuzzed(times: float = 1) -> settings:
    """So many times the usual number of examples, the same ones each time."""
    return settings(
        max_examples=int(times * EXAMPLES),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def bounded(most: int) -> Iterator[None]:
    """No more than so many bytes are allocated at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> VolumeRepository:
    """A tree of all kinds."""
    root = tmp_path_factory.mktemp("source")
    fill(root, files=6, size=3 * KIB)
    (root / "large").write_bytes(os.urandom(3 * MIB))
    os.link(root / "large", root / "other name")
    os.link(root / "a" / "1-0", root / "b" / "other name")
    (root / "symlink").symlink_to("nowhere")
    os.mkfifo(root / "fifo")
    os.setxattr(root / "large", "user.comment", b"words")
    os.setxattr(root / "c", "user.comment", b"of a directory")
    with (root / "sparse").open("wb") as file:
        for at in (0, 9 * MIB):
            file.seek(at)
            file.write(b"data" * 50)
    found = new_repository(MemoryObjectStore())
    copy(found, root)
    return found


@pytest.fixture(scope="module")
def tree_chunk(repository: VolumeRepository) -> bytes:
    with repository.new_view() as view:
        view.look()
        [key] = [found.key for found in view.store.list(VOLUMES)]
        return view.read("t", volume_record.read(view.sealed, key).tree[0])


# --- trees


def use_all(chunk: bytes) -> None:
    """Everything that readers do with a tree chunk."""
    for block in tree_decoder.decode(chunk):
        block.attributes(block.header.extra)
        for number, entry in enumerate(block.entries):
            attributes = block.attributes(entry.extra) if entry.extra else []
            assert b"\0" not in block.child(number)
            assert not {b"", b".", b".."} & set(block.child(number).split(b"/"))
            assert 0 <= entry.start <= entry.start + entry.length <= entry.size < 2**63
            assert sum(length for _, length in block.chunks(entry)) >= entry.stored
            batch.is_small(block, entry) if entry.kind == tree.FILE else None
            assert sum(piece[3] for piece in batch.pieces(block, entry, attributes)) == entry.stored
            values = dict(attributes)
            if entry.kind in (tree.SYMLINK, tree.HARDLINK):
                assert values[tree.TARGET]
            if entry.kind in (tree.CHARACTER, tree.BLOCK):
                tree.decode_device(values[tree.DEVICE])


def test_a_tree_is_what_it_should_be_or_damaged(tree_chunk: bytes) -> None:
    use_all(tree_chunk)
    refused = []

    @fuzzed(4)
    @given(mutated(tree_chunk))
    def try_(chunk: bytes) -> None:
        with bounded(MIB + 40 * len(chunk)):
            try:
                use_all(chunk)
            except Damaged:
                refused.append(chunk)

    try_()
    assert len(refused) > EXAMPLES


def test_every_single_byte_of_a_tree_that_is_changed_is_no_surprise(tree_chunk: bytes) -> None:
    for at in range(min(len(tree_chunk), 4000)):
        for value in (0, 1, 0x7F, 0xFF, tree_chunk[at] ^ 0x80):
            try:
                use_all(tree_chunk[:at] + bytes([value]) + tree_chunk[at + 1 :])
            except Damaged:
                continue


def test_lengths_that_promise_much_allocate_little() -> None:
    for claim in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x10"):
        bodies = [claim, claim + bytes(100), b"\x05\0\0\0\x03" + claim, b"\x64\0\0\0\x03" + claim + bytes(95)]
        bodies += [(30 + len(claim)).to_bytes(4, "little") + b"\3" + bytes(26) + claim + bytes(3)]
        for body in bodies:
            with bounded(256 * KIB), pytest.raises(Damaged):
                use_all(body)
        with bounded(256 * KIB), pytest.raises(Damaged):
            list(index_object.decode(bytes(16) + b"d" + bytes(4) + claim))


# --- sealed objects: as they come from the store, and from a hand that has the key


def decoders() -> dict[str, tuple[str, bytes, Callable[[MemoryObjectStore, str], object]]]:
    """For each kind of small object: its key, a real plaintext, and what reads it."""
    name = "ab" * 16
    state = checkpoint.State(name, 0.0, tree=[bytes(32)], position=checkpoint.Position(b"dir", b"name", 5, [1, 2]))
    reached = Reached(
        (1, 2, 3), b"name", open=[batch.OpenDirectory(b"dir", tree.Header(7, 1, 2, 3, 0), [(120, b"x")], True)]
    )
    reached.lost[b"file"] = "why"

    def plain(sealed: bytes, context: str) -> bytes:
        return SEALED.unseal(sealed, context)

    volume = {"format": 1, "tree": ["cd" * 32, "ef" * 32], "scanned_bytes": 5, "files": 6, "created": "2026-11-23"}
    mark = {"packs": ["12" * 16, "34" * 16], "created": "2026-11-23"}
    entries = [PackEntry(bytes([number]) * 32, 100 * number, 90, 200, ZSTD) for number in range(5)]
    return {
        "volume": (
            VOLUMES + name,
            json.dumps(volume).encode(),
            lambda store, key: volume_record.read(SealedStore(store, KEYS), key),
        ),
        "mark": (MARKS + name, json.dumps(mark).encode(), lambda store, _: marks.read(SealedStore(store, KEYS), {})),
        "note": (
            DAMAGE + name,
            json.dumps({"chunks": [["12" * 16, "34" * 32]]}).encode(),
            lambda store, _: marks.read_damage(SealedStore(store, KEYS)),
        ),
        "index": (
            INDEX + name,
            index_object.encode([packs.Pack(bytes(16), "d", 5000, entries)] * 2),
            lambda store, _: index_object.read(SealedStore(store, KEYS), name),
        ),
        "checkpoint": (
            checkpoint.CONTEXT,
            plain(checkpoint.encode(SEALED, state, ""), checkpoint.CONTEXT),
            lambda store, key: checkpoint.decode(SEALED, store.get(key), ""),
        ),
        "restore checkpoint": (
            restore_slice.CONTEXT,
            plain(restore_slice.encode(SEALED, reached, restore_slice.CONTEXT), restore_slice.CONTEXT),
            lambda store, key: restore_slice.decode(SEALED, store.get(key), restore_slice.CONTEXT),
        ),
    }


@pytest.mark.parametrize("kind", decoders())
def test_a_small_object_is_what_it_should_be_or_damaged(kind: str) -> None:
    key, plain, read = decoders()[kind]
    store = MemoryObjectStore()
    sealed = SEALED.seal(plain, key)
    store.put(key, sealed)
    read(store, key)

    @fuzzed()
    @given(mutated(sealed))
    def as_stored(body: bytes) -> None:
        store.put(key, body)
        if body != sealed:
            with bounded(2 * MIB), pytest.raises(Damaged):
                read(store, key)

    @fuzzed(2)
    @given(st.one_of(mutated(plain), one_field_other(plain), anything.map(lambda value: json.dumps(value).encode())))
    def with_the_key(body: bytes) -> None:
        store.put(key, SEALED.seal(body, key))
        with bounded(2 * MIB):
            try:
                read(store, key)
            except (Damaged, Invalid):
                return

    as_stored()
    with_the_key()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["format", "tree", "packs", "chunks", "position", "open", "lost", "files", "scanned_bytes"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=6,
)


def one_field_other(plain: bytes) -> st.SearchStrategy[bytes]:
    """JSON with something else in one of its fields."""
    if not plain.startswith(b"{"):
        return st.just(b"")
    fields = json.loads(plain)
    return st.builds(
        lambda name, value: json.dumps({**fields, name: value}).encode(), st.sampled_from([*fields]), anything
    )


def test_a_lost_place_of_sampled_verification_is_no_error(repository: VolumeRepository) -> None:
    @fuzzed()
    @given(st.one_of(st.binary(max_size=60), anything.map(lambda value: json.dumps(value).encode())))
    def try_(body: bytes) -> None:
        repository.store.put(verify.CURSOR, SEALED.seal(body, verify.CURSOR))
        with repository.new_view() as view:
            assert isinstance(verify._cursor(view), bytes)

    try_()


# --- packs


def test_a_footer_is_what_it_should_be_or_damaged(repository: VolumeRepository) -> None:
    store = MemoryObjectStore()
    builder = PackBuilder(KEYS, "d", bytes(16))
    for number in range(5):
        builder.add(KEYS.id_of("d", b"%d" % number), RAW, b"%d" % number, 1)
    pack, body = builder.finish()
    sealed = packs.encode_entries(pack.entries)
    offset = sum(entry.stored for entry in pack.entries)

    def read(stored: bytes) -> packs.Pack:
        store.put(pack_key(pack.id), stored)
        return packs.read_pack(store, KEYS, pack.id, len(stored))

    assert read(bytes(body)) == pack

    @fuzzed()
    @given(mutated(bytes(body)))
    def as_stored(stored: bytes) -> None:
        with bounded(MIB):
            try:
                found = read(stored)
            except Damaged:
                return
            assert found.entries == pack.entries  # what was changed lies in a chunk

    @fuzzed()
    @given(mutated(b"d" + (5).to_bytes(4, "little") + sealed))
    def with_the_key(plain: bytes) -> None:
        footer = KEYS.pack(pack.id).encrypt(offset.to_bytes(12, "little"), plain, b"footer")
        stored = bytes(body[:offset]) + footer + len(footer).to_bytes(4, "little") + packs.MAGIC
        with bounded(MIB):
            try:
                found = read(stored)
            except Damaged:
                return
            assert all(entry.offset + entry.stored <= len(stored) for entry in found.entries)

    as_stored()
    with_the_key()


def test_a_chunk_is_right_or_damaged(repository: VolumeRepository) -> None:
    builder = PackBuilder(KEYS, "d", bytes(16))
    plain = b"content " * 100
    builder.add(KEYS.id_of("d", plain), ZSTD, zstandard.compress(plain), len(plain))
    pack, body = builder.finish()
    [entry] = pack.entries
    sealed = bytes(body[: entry.stored])
    assert packs.open_chunk(KEYS, "d", pack.id, entry, sealed) == plain

    @fuzzed()
    @given(mutated(sealed))
    def try_(changed: bytes) -> None:
        if changed != sealed:
            with bounded(MIB), pytest.raises(Damaged):
                packs.open_chunk(KEYS, "d", pack.id, entry, changed)

    try_()


# --- bombs


def lying(bomb: bytes, size: int) -> bytes:
    """A frame that says it holds less than it does."""
    assert zstandard.frame_content_size(bomb) >= 2**16
    at = 5 if bomb[4] & 0x20 else 6
    return bomb[:at] + size.to_bytes(4, "little") + bomb[at + 4 :]


def bombs() -> dict[str, bytes]:
    big = bytes(64 * MIB)
    streamed = zstandard.ZstdCompressor().compressobj()
    return {
        "honest": zstandard.compress(big),
        "lying": lying(zstandard.compress(big), 1000),
        "of unknown size": streamed.compress(big) + streamed.flush(),
        "of many frames": zstandard.compress(b"x" * 1000) + zstandard.compress(big),
    }


@pytest.mark.parametrize("kind", bombs())
def test_a_small_object_that_would_unfold_too_far_is_refused(kind: str) -> None:
    bomb, store = bombs()[kind], SealedStore(MemoryObjectStore(), KEYS, Ambient(Limits(sealed=MIB)))
    sealed = bytes(12) + AESGCM(KEYS.objects).encrypt(bytes(12), bomb, b"place")
    with bounded(4 * MIB):
        if kind == "of many frames":
            assert len(store.unseal(sealed, "place")) == 1000
        else:
            with pytest.raises(Damaged):
                store.unseal(sealed, "place")


@pytest.mark.parametrize("kind", bombs())
def test_a_chunk_that_would_unfold_too_far_is_refused(kind: str) -> None:
    bomb, builder = bombs()[kind], PackBuilder(KEYS, "d", bytes(16))
    builder.add(KEYS.id_of("d", bytes(1000)), ZSTD, bomb, 1000)
    pack, body = builder.finish()
    [entry] = pack.entries
    with bounded(4 * MIB), pytest.raises(Damaged):
        packs.open_chunk(KEYS, "d", pack.id, entry, bytes(body[: entry.stored]))


# --- keys


def test_a_key_record_opens_or_says_why_not() -> None:
    ambient = Ambient(Limits(scrypt_cost=2**4, scrypt_memory=2**20))
    store = MemoryObjectStore()
    master = keyring.make(store, "words", ambient)[0]
    record = store.get(FIRST_KEY)

    @fuzzed(2)
    @given(
        st.one_of(
            mutated(record),
            anything.map(lambda value: json.dumps(value).encode()),
            one_field_other(record),
        )
    )
    def try_(body: bytes) -> None:
        store.put(FIRST_KEY, body)
        with bounded(4 * MIB):
            with suppress(Damaged, Denied, Invalid):
                assert keyring.unlock(store, "words", ambient) == master
            try:
                keyring.records(store)
            except Invalid:
                return

    try_()


@pytest.mark.parametrize(
    "fields",
    [{"n": 2**40}, {"n": 2**20, "r": 32}, {"r": 2**30}, {"p": 2**30}, {"n": -1}, {"r": 0}, {"p": 0}, {"n": 1e300}],
)
def test_a_key_record_that_asks_for_too_much_is_refused(fields: dict[str, float]) -> None:
    store = MemoryObjectStore()
    store.put(FIRST_KEY, json.dumps({**json.loads(key_record()[0]), **fields}).encode())
    with pytest.raises(Damaged):
        keyring.unlock(store, "words")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"format":' * 50_000, b"9" * 100_000, bytes(8 * MIB)])
def test_a_key_record_that_is_deep_or_long_is_refused(body: bytes) -> None:
    store = MemoryObjectStore()
    store.put(FIRST_KEY, body)
    with pytest.raises(Damaged):
        keyring.unlock(store, "words")


# --- checkpoints, as they come back from who keeps them


def test_a_checkpoint_that_was_changed_is_refused_before_anything_is_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    fill(tmp_path / "source", files=40, size=300)
    repository = new_repository(MemoryObjectStore(), limits=MANY_PACKS)
    first, *_ = slices_of_copy(repository, tmp_path / "source", stop=every(1))
    volume = volume_of(copy(repository, tmp_path / "source"))
    assert first.checkpoint
    before = sorted(found.key for found in repository.store.list(""))

    @fuzzed(0.3)
    @given(mutated(first.checkpoint))
    def try_(changed: bytes) -> None:
        if not changed or changed == first.checkpoint:
            return
        with pytest.raises(SnaplineError):
            repository.copy(tmp_path / "source", parent=None, checkpoint=changed, stop=every(1), progress=quiet)
        with pytest.raises(SnaplineError):
            repository.restore(volume, tmp_path, checkpoint=changed, stop=every(1), progress=quiet)

    try_()
    assert sorted(found.key for found in repository.store.list("")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert list(repository.store.list(PACKS))
