"""Cuts the bytes of many files, one after the other, into chunks where their content says (FORMAT 8)."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from pyfastcdc import FastCDC

from workers.repository.format.ambient import CutSizes, Limits
from workers.repository.format.tree import Ref


class _Piece(NamedTuple):
    start: int  # in the stream
    length: int
    id: Future[bytes]


def _cutter(sizes: CutSizes, seed: int) -> FastCDC:
    return FastCDC(sizes.normal, min_size=sizes.least, max_size=sizes.most, seed=seed)


class Stream:
    """What is added is cut and written; `refs` then says which chunks a range of it is in."""

    def __init__(self, seed: int, limits: Limits, write: Callable[[memoryview, bool], Future[bytes]]) -> None:
        """`write` is also told whether a chunk is a fine one."""
        self._coarse, self._fine = _cutter(limits.chunk, seed), _cutter(limits.fine_chunk, seed)
        self._write = write
        self._enough, self._room = limits.cut, limits.cut + limits.read
        self._buffer = memoryview(bytearray(self._room))
        self._begin = self._filled = 0  # what of the buffer is not cut yet
        self._writes: list[Future[bytes]] = []  # from this buffer
        self._used: deque[tuple[memoryview, list[Future[bytes]]]] = deque()
        self._pieces: deque[_Piece] = deque()
        self.fine = False
        self.length = 0  # of all that was added
        self.cut_length = 0  # of all that was cut

    def room(self, length: int) -> memoryview:
        """Where to put the next `length` bytes, at most `Limits.read`."""
        return self._buffer[self._filled : self._filled + length]

    def add(self, length: int) -> bool:
        """Takes what was put into the room. True if cuts were made."""
        self._filled += length
        self.length += length
        if self._filled < self._enough:
            return False
        self._cut(final=False)
        return True

    def finish(self) -> None:
        """Cuts all that is left, wherever it ends."""
        self._cut(final=True)

    def begin(self, *, fine: bool) -> None:
        """Cuts here, and finely or not what follows."""
        self.finish()
        self.fine = fine

    def refs(self, start: int, length: int) -> tuple[list[Ref], int]:
        """The chunks of a range that is cut, and where it begins in the first. Ranges must be asked for in order.
        Waits for the chunks to be hashed; raises what storing them raised."""
        pieces = self._pieces
        while pieces and pieces[0].start + pieces[0].length <= start:
            pieces.popleft()
        found: list[Ref] = []
        for piece in pieces:
            if piece.start >= start + length:
                break
            found.append((piece.id.result(), piece.length))
        return found, start - pieces[0].start if found else 0

    def _cut(self, *, final: bool) -> None:
        """The last piece ends where the bytes end, which is no cut unless no more bytes come."""
        uncut, done = self._buffer[self._begin : self._filled], 0
        for chunk in (self._fine if self.fine else self._coarse).cut_buf(uncut):
            if done + chunk.length == len(uncut) and not final:
                break
            self._writes.append(self._write(uncut[done : done + chunk.length], self.fine))
            self._pieces.append(_Piece(self.cut_length, chunk.length, self._writes[-1]))
            done += chunk.length
            self.cut_length += chunk.length
        self._begin += done
        if not final:
            self._next_buffer(uncut[done:])

    def _next_buffer(self, rest: memoryview) -> None:
        """Goes on in another buffer, since chunks are written from this one; an earlier one, if that is written."""
        self._used.append((self._buffer, self._writes))
        if all(write.done() for write in self._used[0][1]):
            self._buffer = self._used.popleft()[0]
        else:
            self._buffer = memoryview(bytearray(self._room))
        self._begin, self._filled, self._writes = 0, len(rest), []
        self._buffer[: self._filled] = rest

    def ready_length(self) -> int:
        """How far into the stream all chunks are stored or on their way."""
        for piece in self._pieces:
            if not piece.id.done():
                return piece.start
        return self.cut_length
