"""Blocks of a tree with other chunks of the same lengths in their tables: all else in them stays (FORMAT 7)."""

from collections.abc import Iterator, Mapping

from workers.repository.format.tree import REF, Block

_COUNT = 4
"""Bytes of the number that stands before the extras, behind the table."""


def with_chunks(block: Block, ids: Mapping[bytes, bytes]) -> bytes:
    """The block's encoding with each id in its table replaced by what `ids` has for it."""
    table = b"".join(REF.pack(ids[id_], length) for id_, length in REF.iter_unpack(block.raw_table))
    begin, end = _table_at(block)
    return block.raw[:begin] + table + block.raw[end:]


def pairs(block: Block, other: Block) -> Iterator[tuple[bytes, bytes]]:
    """For each id in the block's table the one in the other's; nothing if the two differ in anything else."""
    if not _same_but_for_ids(block, other):
        return
    for (id_, _), (other_id, _) in zip(block.table, other.table, strict=True):
        yield id_, other_id


def _same_but_for_ids(block: Block, other: Block) -> bool:
    if [length for _, length in block.table] != [length for _, length in other.table]:
        return False
    begin, end = _table_at(block)
    return block.raw[:begin] == other.raw[:begin] and block.raw[end:] == other.raw[end:]


def _table_at(block: Block) -> tuple[int, int]:
    end = len(block.raw) - len(block.extras) - _COUNT
    return end - len(block.raw_table), end
