"""Whether the packs that a copy relies on are there: that the index lists them does not prove it (F43)."""

from workers.repository.chunks.view import View
from workers.repository.format import packs
from workers.repository.format.layout import PACKS, name_of
from workers.repository.format.listing import listed

THREADS = 8
LISTED_FOR_ONE = 125
"""Packs that are listed in the time in which one is looked for."""


def all_there(view: View, relied: set[bytes]) -> bool:
    """Whether all these packs are there. One that is not, and is neither unlisted nor marked by now, is noted as
    damaged, so that what is in it is stored again. A node looks for a pack once."""
    unproven = view.index.unproven(relied)
    if not unproven:
        return True
    there = _listed(view, unproven) if _is_listing_faster(view, unproven) else _looked_for(view, unproven)
    view.index.prove(there)
    if missing := unproven - there:
        _note(view, missing)
    return not missing


def _is_listing_faster(view: View, wanted: set[bytes]) -> bool:
    return len(wanted) * LISTED_FOR_ONE > view.index.count()


def _listed(view: View, wanted: set[bytes]) -> set[bytes]:
    names = {pack.hex(): pack for pack in wanted}
    found = (names.get(name_of(each.key)) for each in listed(view.store, PACKS))
    return {pack for pack in found if pack is not None}


def _looked_for(view: View, wanted: set[bytes]) -> set[bytes]:
    tried = sorted(wanted)
    with view.ambient.pool(THREADS, "presence") as pool:
        found = pool.map(lambda pack: packs.exists(view.store, pack), tried)
        return {pack for pack, is_there in zip(tried, found, strict=True) if is_there}


def _note(view: View, missing: set[bytes]) -> None:
    view.look()  # a pruner may have deleted them meanwhile, and marked them before that
    found = (view.index.pack(pack) for pack in missing - view.marked)
    view.note_damage({(pack.id, entry.id) for pack in found if pack is not None for entry in pack.entries})
