"""Mutated bytes end in the documented error and within bounds of memory, and name nothing outside (F9, F16)."""

import random
import shutil
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import Damaged, Invalid, NotFound, SnaplineError
from tests.support.volumes import copy, key_record, new_repository, objects, restore, volume_of
from workers.adapters.memory import MemoryObjectStore
from workers.repository import checkpoint, index, keyring, packs, pruning, repairing, restored, sealing, tree, verifying
from workers.repository.layout import FIRST_KEY, PACKS
from workers.repository.outcome import Reached
from workers.repository.tree import FIRST, LAST, BlockBuilder, Header, Record

MIB = 1024 * 1024
KEYS = key_record()[1]
MOST_MEMORY = 64 * MIB


def a_tree() -> bytes:
    """A tree chunk with all kinds of entries."""
    builder = BlockBuilder(b"some/directory", FIRST | LAST, Header(0o755, 1, 2, 3, 0), b"")
    extents = tree.encode_extents([(0, 10), (100, 20)])
    file = Record(tree.FILE, 0o644, 1, 2, 200, 0, 200, 30, 5, 6, 7, 0, 0, 0)
    attributes = tree.encode_attributes([(tree.EXTENTS, extents), (tree.XATTR, b"user.x\0y")])
    builder.add(b"a", file, attributes, [(b"i" * 32, 40)], 3)
    plain = file._replace(size=50, length=50, stored=50)
    builder.add(b"b", plain, b"", [(b"i" * 32, 40), (b"j" * 32, 40)], 10)
    for name, kind, attribute in (
        (b"c", tree.SYMLINK, (tree.TARGET, b"../x")),
        (b"d", tree.HARDLINK, (tree.TARGET, b"some/directory/a")),
        (b"e", tree.CHARACTER, (tree.DEVICE, tree.encode_device(259))),
    ):
        builder.add(name, Record(kind, *[0] * 13), tree.encode_attributes([attribute]), [], 0)
    return builder.encode() * 2


def a_pack() -> tuple[MemoryObjectStore, packs.Pack, str]:
    store = MemoryObjectStore()
    builder = packs.PackBuilder(KEYS, "d")
    for number in range(4):
        data = b"%d" % number * 300
        builder.add(KEYS.id_of("d", data), packs.ZSTD, zstandard.compress(data), len(data))
    pack, body = builder.finish()
    key = f"{PACKS}{pack.id.hex()[:2]}/{pack.id.hex()}"
    store.put(key, body)
    return store, pack, key


TREE = a_tree()
SAMPLES: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "tree": (
        TREE,
        lambda data: [[each.attributes(record.extra) for record in each.records] for each in tree.decode(data)],
    ),
    "index": (index.encode([a_pack()[1]] * 3), lambda data: list(index.decode(data))),
    "key record": (key_record()[0], lambda data: _unwrapped(data)),
    "sealed": (sealing.seal(KEYS, b"text" * 100, "here"), lambda data: sealing.unseal(KEYS, data, "here")),
    "checkpoint": (checkpoint.encode(KEYS, checkpoint.State()), lambda data: checkpoint.decode(KEYS, data)),
    "restore checkpoint": (restored.encode(KEYS, Reached()), lambda data: restored.decode(KEYS, data)),
}
SEALED_INSIDE: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "checkpoint": (
        sealing.unseal(KEYS, checkpoint.encode(KEYS, checkpoint.State()), checkpoint.CONTEXT),
        lambda data: checkpoint.decode(KEYS, sealing.seal(KEYS, data, checkpoint.CONTEXT)),
    ),
    "restore checkpoint": (
        sealing.unseal(KEYS, restored.encode(KEYS, Reached()), restored.CONTEXT),
        lambda data: restored.decode(KEYS, sealing.seal(KEYS, data, restored.CONTEXT)),
    ),
}


def _unwrapped(data: bytes) -> object:
    store = MemoryObjectStore()
    store.put(FIRST_KEY, data)
    return keyring.records(store)


@st.composite
def mutated(draw: st.DrawFn, body: bytes) -> bytes:
    """Bytes with a few changes: flipped, cut, doubled, or numbers replaced by extreme ones."""
    found = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        change = draw(st.integers(0, 4))
        if change == 0 and found:
            found[at] ^= draw(st.integers(1, 255))
        elif change == 1:
            del found[at : at + draw(st.integers(1, 40))]
        elif change == 2:
            found[at:at] = found[at : at + draw(st.integers(1, 40))]
        elif change == 3:
            found[at : at + 4] = struct.pack("<I", draw(st.sampled_from([0, 1, 2**16, 2**31 - 1, 2**32 - 1])))
        else:
            found[at : at + 8] = struct.pack("<Q", draw(st.sampled_from([0, 2**40, 2**63 - 1, 2**64 - 1])))
    return bytes(found)


@contextmanager
def bounded() -> Iterator[None]:
    """Fails if more memory than MOST_MEMORY is taken."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_decoders_take_mutated_bytes_for_damaged(kind: str, data: st.DataObject) -> None:
    body, decode = SAMPLES[kind]
    found = data.draw(st.one_of(mutated(body), st.binary(max_size=300)))
    with bounded():
        try:
            decode(found)
        except (Damaged, Invalid):
            return


@pytest.mark.parametrize("kind", SEALED_INSIDE)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_somebody_with_the_key_wrote_wrongly_is_damaged(kind: str, data: st.DataObject) -> None:
    body, decode = SEALED_INSIDE[kind]
    found = data.draw(st.one_of(mutated(body), st.binary(max_size=300), st.sampled_from([b"null", b"[]", b"{}", b"7"])))
    try:
        decode(found)
    except (Damaged, Invalid):
        return


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_pack_gives_the_right_bytes_or_an_error(data: st.DataObject) -> None:
    store, pack, key = a_pack()
    body = data.draw(mutated(store.get(key)))
    store.put(key, body)
    with bounded():
        with suppress(Damaged, NotFound):
            assert packs.read_pack(store, KEYS, pack.id, len(body)).entries == pack.entries
        for entry in pack.entries:
            sealed = store.get(key, entry.offset, entry.stored)
            try:
                plain = packs.open_chunk(KEYS, "d", pack.id, entry, sealed)
            except Damaged:
                continue
            assert KEYS.id_of("d", plain) == entry.id


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=mutated(TREE))
def test_a_mutated_tree_that_is_taken_names_nothing_outside(body: bytes) -> None:
    try:
        blocks = list(tree.decode(body))
    except Damaged:
        return
    for block in blocks:
        parts = block.path.split(b"/") if block.path else []
        assert not {b"", b".", b".."} & set(parts)
        for name, record in zip(block.names, block.records, strict=True):
            assert name not in (b"", b".", b"..")
            assert b"/" not in name
            assert record.start + record.length <= record.size
            for id_, size in block.chunks(record):
                assert len(id_) == 32
                assert size <= 2**32


def test_a_bomb_of_compressed_zeros_is_refused() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(512 * MIB))
    lying = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(bytes(256 * MIB))
    for compressed in (bomb, lying):
        with bounded(), pytest.raises(Damaged):
            sealing.decompress(compressed, 4 * MIB, "a chunk")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryObjectStore, dict[str, str], Path]:
    """A small repository with two volumes, their names, and the source of the second."""
    source = tmp_path_factory.mktemp("source")
    chance = random.Random(1)
    for number in range(12):
        (source / f"file {number}").write_bytes(chance.randbytes(40_000) * 3)
    store = MemoryObjectStore()
    repository = new_repository(store)
    first = volume_of(copy(repository, source))
    (source / "file 3").write_bytes(b"changed" * 1000)
    second = volume_of(copy(repository, source, parent=first))
    return store, {first: "first", second: "second"}, source


@pytest.mark.parametrize("seed", range(60))
def test_a_store_with_broken_objects_gives_right_bytes_or_says_what_is_lost(
    seed: int, whole: tuple[MemoryObjectStore, dict[str, str], Path], tmp_path: Path
) -> None:
    original, names, source = whole
    chance = random.Random(seed)
    store = MemoryObjectStore()
    for key in objects(original):
        store.put(key, original.get(key))
    for key in chance.sample([key for key in objects(store) if key != FIRST_KEY], chance.randrange(1, 4)):
        body = bytearray(store.get(key))
        kind = chance.randrange(4)
        if kind == 0:
            store.delete(key)
        elif kind == 1:
            store.put(key, body[: chance.randrange(len(body))])
        elif kind == 2:
            store.put(key, chance.randbytes(len(body)))
        else:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
            store.put(key, body)
    repository = new_repository(store)
    second = list(names)[1]
    for act in (
        lambda: restore(repository, second, tmp_path / "target"),
        lambda: verifying.verify(repository.new_view(), names, 100),
        lambda: repairing.repair_index(repository.new_view()),
        lambda: pruning.prune(repository.new_view(), lambda: set(names)),
        lambda: copy(repository, source, parent=second),
    ):
        try:
            act()
        except SnaplineError:
            continue
    for path in (tmp_path / "target").rglob("*"):
        assert path.read_bytes() == (source / path.name).read_bytes()
    shutil.rmtree(tmp_path / "target", ignore_errors=True)
