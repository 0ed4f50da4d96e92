"""What a pruner must know before it deletes anything: that all that backups need is where it is thought to be (F35)."""

from collections.abc import Callable

from schemas.errors import Code, Damaged, NotFound
from workers.ports import StoredObject
from workers.repository.chunks.view import View
from workers.repository.format import index_object, packs
from workers.repository.format.layout import PACKS, VOLUMES, name_of
from workers.repository.format.listing import listed
from workers.repository.format.packs import Pack
from workers.repository.upkeep.live import Live

THREADS = 8
NOTHING = "nothing was pruned"


def present(view: View) -> dict[str, StoredObject]:
    """The packs that are there, by name."""
    return {name_of(found.key): found for found in listed(view.store, PACKS)}


def check_records(view: View, kept: set[str], keep: Callable[[], set[str]]) -> None:
    """Raises Damaged if the record of a volume is gone that jobs refer to, also when they are asked again."""
    missing = kept - {name_of(found.key) for found in listed(view.store, VOLUMES)}
    if missing and (missing := missing & keep()):  # else a backup has just been deleted
        subject = VOLUMES + min(missing)
        raise Damaged(
            f"{NOTHING}, as the records of {len(missing)} volumes are gone that backups refer to, such as {subject}; "
            "put them back, or delete the backups, then prune again",
            code=Code.RECORD_UNREADABLE,
            subject=subject,
        )


def list_anew(view: View, found: list[StoredObject]) -> int:
    """Lists packs again that no index object lists, by what they say themselves (F11). A lost index object would make
    what is needed look like what a dead copy has left. Returns the bytes of the new index objects."""
    with view.ambient.pool(THREADS, "footers") as pool:
        read = [pack for pack in pool.map(lambda each: _footer(view, each), found) if pack]
    names = {name for name, _ in index_object.write(view.sealed, read)}
    if not names:
        return 0
    view.look()
    return index_object.size_of(view.sealed, names)


def check_chunks(view: View, live: Live, gone: set[bytes]) -> None:
    """Raises Damaged if a chunk that backups need is in no pack that is there, and no damage note tells of it."""
    if not _lost(view, live, gone):
        return
    view.look()  # F15
    if lost := _lost(view, live, gone):
        raise Damaged(
            f"{NOTHING}, as {len(lost)} chunks that backups need are in no pack, such as {lost[0].hex()}, and nobody "
            "has been told of that",
            code=Code.INDEX_DAMAGED,
        )


def _lost(view: View, live: Live, gone: set[bytes]) -> list[bytes]:
    noted = {id_ for places in view.damage.values() for _, id_ in places}
    return [
        id_ for id_ in live.needed() if id_ not in noted and all(place.pack in gone for place in view.index.places(id_))
    ]


def _footer(view: View, found: StoredObject) -> Pack | None:
    try:
        return packs.read_pack(view.store, view.keys, bytes.fromhex(name_of(found.key)), found.size)
    except (NotFound, Damaged):
        return None
