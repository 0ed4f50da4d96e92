"""Reads packs back: every byte decrypted, decompressed and compared with its chunk's id."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.errors import Damaged, NotFound
from workers.ports import EVERYTHING, Part
from workers.repository.chunks import chunk_reader
from workers.repository.chunks.view import View
from workers.repository.format import marks, packs, tree_decoder, volume_record
from workers.repository.format.layout import VERIFIED, VOLUMES, pack_key
from workers.repository.format.packs import Pack
from workers.repository.format.volume_record import Volume
from workers.repository.upkeep.check import Problem, check, hurt
from workers.repository.upkeep.say import Say, silent

THREADS = 3
CURSOR = VERIFIED + "cursor"


@dataclass(frozen=True)
class Report:
    """What verifying found."""

    problems: list[Problem]
    packs: int  # read
    packs_total: int
    bytes: int  # read


def verify(view: View, names: Mapping[str, str], percent: float, say: Say = silent) -> Report:
    """Checks the structure, and reads `percent` of all packs, going on where the last verification stopped: samples
    that add up to 100 cover everything. `names` says what to call volumes. Damage is noted, so that the next copy that
    sees the content stores it again."""
    problems = check(view, names, say)
    listed = sorted((pack for pack in view.index.packs() if pack.id not in view.marked), key=lambda pack: pack.id)
    chosen = _sample(view, listed, percent)
    lost = {problem.chunk for problem in problems if problem.chunk}
    damaged: set[marks.ChunkInPack] = set()
    done = read = 0
    with view.ambient.pool(THREADS, "verify") as pool:
        for pack, bad in zip(chosen, pool.map(lambda pack: damaged_in(view, pack), chosen), strict=True):
            done, read = done + 1, read + pack.size
            damaged |= bad
            say("reading packs", done, len(chosen))
    damaged = _standing(view, damaged)
    view.note_damage(damaged.union(*map(view.all_places, lost)))
    if damaged:
        ids = {id_ for _, id_ in damaged if view.reliable(id_) is None} - lost
        problems += hurt(view, names, ids.__contains__, "its bytes are damaged", say)
    if chosen and percent < 100:
        view.sealed.write(CURSOR, json.dumps(chosen[-1].id.hex()).encode())
    return Report(problems, done, len(listed), read)


def _standing(view: View, damaged: set[marks.ChunkInPack]) -> set[marks.ChunkInPack]:
    """Those whose packs nobody has deleted meanwhile, or is about to."""
    if not damaged:
        return damaged
    view.look()
    standing = set(view.index.pack_sizes()) - view.marked
    return {(pack, id_) for pack, id_ in damaged if pack in standing}


def verify_volume(view: View, volume: str, say: Say = silent, part: Part = EVERYTHING) -> list[Problem]:
    """Reads one volume back, its tree and the chunks in `part`; tells how many bytes."""
    view.look()
    names = {volume: "this volume"}
    try:
        found = volume_record.read(view.sealed, VOLUMES + volume)
    except (NotFound, Damaged) as error:
        return [Problem(str(error), code=error.code)]
    ids, lost = _tree_of(view, found)
    ids = {id_: length for id_, length in ids.items() if part.holds(id_)}
    total, done = sum(ids.values()), 0
    with view.ambient.pool(THREADS, "verify") as pool:
        for chunks in chunk_reader.fetch(view, ids, pool, THREADS):
            lost |= {id_ for id_, plain in chunks if isinstance(plain, Damaged)}
            done += sum(ids[id_] for id_, _ in chunks)
            say("reading bytes back", done, total)
    if not lost:
        return []
    view.note_damage(set[marks.ChunkInPack]().union(*map(view.all_places, lost)))
    return hurt(view, names, lost.__contains__, "its bytes are damaged or gone")


def _tree_of(view: View, volume: Volume) -> tuple[dict[bytes, int], set[bytes]]:
    """The data chunks of a volume, with their bytes, and the tree chunks that cannot be read."""
    ids: dict[bytes, int] = {}
    lost: set[bytes] = set()
    for id_ in volume.tree:
        try:
            ids.update(ref for block in tree_decoder.decode(view.read("t", id_)) for ref in block.table)
        except Damaged:
            lost.add(id_)
    return ids, lost


def damaged_in(view: View, pack: Pack) -> set[marks.ChunkInPack]:
    """The chunks of a pack that cannot be read back."""
    try:
        body = memoryview(view.store.get(pack_key(pack.id), 0, pack.size))  # F9
    except NotFound:
        return {(pack.id, entry.id) for entry in pack.entries}
    bad: set[marks.ChunkInPack] = set()
    for entry in pack.entries:
        try:
            packs.open_chunk(view.keys, pack.kind, pack.id, entry, body[entry.offset : entry.offset + entry.stored])
        except Damaged:
            bad.add((pack.id, entry.id))
    return bad


def _sample(view: View, listed: list[Pack], percent: float) -> list[Pack]:
    """The next packs in the order of their ids, which are random."""
    count = min(len(listed), math.ceil(len(listed) * percent / 100))
    cursor = _cursor(view) if percent < 100 else b""
    after = [pack for pack in listed if pack.id > cursor]
    return (after + [pack for pack in listed if pack.id <= cursor])[:count]


def _cursor(view: View) -> bytes:
    try:
        return bytes.fromhex(json.loads(view.sealed.read(CURSOR)))
    except (NotFound, Damaged, ValueError, TypeError):
        return b""  # begins again
