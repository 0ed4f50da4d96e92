"""Whether everything is there that should be, without reading contents; and how much there is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from schemas.errors import Code, Damaged, NotFound
from workers.repository.chunks.view import View
from workers.repository.format import index_object, listing, tree_decoder, volume_record
from workers.repository.format.layout import PACKS, VOLUMES, name_of
from workers.repository.format.tree import shown
from workers.repository.upkeep.say import Say, silent

Lost = Callable[[bytes], bool]
"""Whether a chunk cannot be read from anywhere."""
MOST_FILES = 1000
"""Files that a problem names, at most."""


@dataclass
class Problem:
    """Something that is wrong, and what it hurts: `<backup>: <path>`."""

    what: str
    hurts: list[str] = field(default_factory=list)
    more: int = 0  # that are hurt but not named
    chunk: bytes = b""  # the id of the one that is lost
    code: Code = Code.DAMAGED
    harmless: bool = False
    """Whether nothing has to be done about it: the next prune lists or deletes what is left behind."""

    def __str__(self) -> str:
        if not self.hurts:
            return self.what
        named = ", ".join(self.hurts[:10])
        more = len(self.hurts) - 10 + self.more
        return f"{self.what}; it hurts {named}" + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Stats:
    """Bytes and numbers of a repository."""

    volumes: int
    packs: int
    stored_bytes: int
    chunks: int
    content_bytes: int  # of all chunks before compression
    marked_packs: int
    damaged_chunks: int


def stats(view: View) -> Stats:
    """How much there is, by the index."""
    view.look()
    packs = chunks = stored = content = 0
    for pack in view.index.packs():
        packs, chunks, stored = packs + 1, chunks + len(pack.entries), stored + pack.size
        content += sum(entry.length for entry in pack.entries)
    return Stats(
        volumes=sum(1 for _ in listing.listed(view.store, VOLUMES)),
        packs=packs,
        stored_bytes=stored,
        chunks=chunks,
        content_bytes=content,
        marked_packs=len(view.marked & set(view.index.pack_sizes())),
        damaged_chunks=len(view.damaged_ids()),
    )


def check(view: View, names: Mapping[str, str], say: Say = silent) -> list[Problem]:
    """What is wrong with the index, and with the volumes in `names` (by id, what to call them). Reads no contents."""
    view.look()
    problems = [
        Problem(f"index object {name} cannot be read", code=Code.INDEX_DAMAGED)
        for name in index_object.unreadable(view.sealed)
    ]
    there = _There(view)
    listed = view.index.pack_sizes()
    for pack in sorted(there.gone):
        found = there.present.get(pack.hex())
        what = "is listed in the index, but not there" if found is None else f"has {found} bytes, not {listed[pack]}"
        problems.append(Problem(f"pack {pack.hex()} {what}"))
    unlisted = len(there.present.keys() - {pack.hex() for pack in listed})
    problems += hurt(view, names, there.lacks, "it is nowhere in the repository", say)
    return problems + ([_unlisted(unlisted, harmless=not problems)] if unlisted else [])


def check_volumes(view: View, names: Mapping[str, str], say: Say = silent) -> list[Problem]:
    """As `check`, of these volumes alone."""
    view.look()
    return hurt(view, names, _There(view).lacks, "it is nowhere in the repository", say)


def _unlisted(number: int, *, harmless: bool) -> Problem:
    """If nothing is missed, what is in those packs is needed by no backup that has ended."""
    packs = "1 pack is" if number == 1 else f"{number} packs are"
    why = "of a copy under way, or of one whose worker has died" if harmless else "the index may lack them"
    return Problem(f"{packs} in no index object: {why}", code=Code.INDEX_DAMAGED, harmless=harmless)


class _There:
    """Which packs are there, and which are `gone`: listed, and not as they are listed. A prune may go on meanwhile."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._look()

    def lacks(self, id_: bytes) -> bool:
        """Whether a chunk is in no pack that is there."""
        if self._nowhere(id_) and self._objects != self._view.index_objects:
            self._look()  # what the view has learned meanwhile was not there when this looked (F15)
        return self._nowhere(id_)

    def _look(self) -> None:
        self.present = _present(self._view)
        self._objects = self._view.index_objects
        sizes = self._view.index.pack_sizes()
        self.gone = {pack for pack, size in sizes.items() if self.present.get(pack.hex()) != size} - self._view.marked

    def _nowhere(self, id_: bytes) -> bool:
        packs = (place.pack for place in self._view.index.places(id_))
        return all(pack in self.gone or pack.hex() not in self.present for pack in packs)


def _present(view: View) -> dict[str, int]:
    """The bytes of the packs that are there. A prune may go on meanwhile: what is missed is looked for again (F15)."""
    missing: set[str] = set()
    while True:
        present = {name_of(found.key): found.size for found in listing.listed(view.store, PACKS)}
        last, missing = missing, {pack.hex() for pack in view.index.pack_sizes()} - present.keys()
        if missing <= last:
            return present
        view.look()


def hurt(view: View, names: Mapping[str, str], lost: Lost, why: str, say: Say = silent) -> list[Problem]:
    """A problem for each chunk that is `lost`, with the files it hurts, and for each volume that cannot be read."""
    problems: dict[bytes, Problem] = {}
    others: list[Problem] = []
    for number, (volume, name) in enumerate(sorted(names.items())):
        say("reading volumes", number, len(names))
        try:
            found = volume_record.read(view.sealed, VOLUMES + volume)
            for id_ in found.tree:
                if lost(id_):
                    _add(problems, id_, f"chunk {id_.hex()} of the tree: {why}", f"{name}: all files listed in it")
            for path, id_ in _uses(view, found.tree, lost):
                _add(problems, id_, f"chunk {id_.hex()}: {why}", f"{name}: {shown(path)}")
        except (NotFound, Damaged) as error:
            others.append(Problem(f"volume {volume} cannot be read: {error}", [f"{name}: all files"], code=error.code))
    return [*others, *problems.values()]


def _uses(view: View, ids: list[bytes], lost: Lost) -> Iterator[tuple[bytes, bytes]]:
    """Every file with a lost chunk, and that chunk."""
    for id_ in ids:
        if lost(id_):
            continue
        for block in tree_decoder.decode(view.read("t", id_)):
            bad = {ref for ref, _ in block.table if lost(ref)}
            if not bad:
                continue
            for number, entry in enumerate(block.entries):
                for ref in bad.intersection(ref for ref, _ in block.chunks(entry)):
                    yield block.child(number), ref


def _add(problems: dict[bytes, Problem], id_: bytes, what: str, hurts: str) -> None:
    problem = problems.setdefault(id_, Problem(what, chunk=id_))
    if len(problem.hurts) >= MOST_FILES:
        problem.more += 1
    elif hurts not in problem.hurts[-1:]:
        problem.hurts.append(hurts)
