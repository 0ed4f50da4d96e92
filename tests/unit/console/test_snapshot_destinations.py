"""Lists and details of another destination than the default one: chosen by the address, which links and forms keep."""

import re
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import destinations
from schemas import events as e
from schemas import keys
from schemas.destination import Destination, DirectoryDestination
from schemas.job import backup
from schemas.records import Copied, Hold
from tests.support.console import Console
from tests.support.front import NOON, Front
from tests.support.registered import register
from tests.support.sealed import PASSPHRASE, sealed
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import ObjectStore

NAS = "?destination=nas"
HERE, THERE = "shop-bcdfg", "shop-nnnnn"


class Two:
    """A console with the destinations `default` and `nas`, each with a snapshot of its own of `shop`."""

    def __init__(self, tmp: Path) -> None:
        self.console = Console(tmp)
        self.front = self.console.front
        self.nas = MemoryObjectStore()
        self.there = sealed(self.nas)
        self.front.session.open_store = self._opened
        register(self.console, "shop")
        stored = DirectoryDestination.model_validate({"name": "nas", "path": str(tmp), "passphrase": PASSPHRASE})
        destinations.keep(self.front.session, stored)
        _finish(self.front, HERE)
        _finish(_writing(self.there), THERE)

    def _opened(self, destination: Destination) -> ObjectStore:
        return self.nas if destination.name == "nas" else self.front.objects


def _writing(store: ObjectStore) -> Front:
    """A front that writes there, and does nothing else."""
    made = Front.__new__(Front)
    made.store = store
    return made


def _finish(front: Front, name: str) -> None:
    front.begin(name)
    front.finish(name, app="shop")


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def test_a_list_is_of_the_destination_that_its_address_says(two: Two) -> None:
    assert HERE in two.console.get("/snapshots/partial/shop").text
    page = two.console.get("/snapshots/partial/shop", 200, destination="nas")
    assert THERE in page.text
    assert HERE not in page.text
    assert "default nas" in page.test_id("snapshots-destination-select")
    assert HERE in two.console.get("/snapshots/partial/shop", 200, destination="default").text
    assert HERE in two.console.get("/snapshots/partial/shop", 200, destination="").text


def test_with_one_destination_there_is_no_choice(tmp_path: Path) -> None:
    console = Console(tmp_path)
    console.front.back_up("instance-bcdfg")
    assert not console.get("/snapshots").has("snapshots-destination-select")


def test_a_destination_that_is_not_there_is_not_found(two: Two) -> None:
    for path in ("/snapshots", "/snapshots/partial/shop", f"/snapshots/partial/shop/{HERE}"):
        two.console.get(path, 404, destination="nowhere")


def test_all_links_and_forms_of_its_pages_keep_the_destination(two: Two) -> None:
    list_ = "/snapshots/partial/shop"
    one = f"{list_}/{THERE}"
    for path in (list_, one, f"{one}/delete", f"{one}/logs", f"{one}/volumes"):
        html = two.console.get(path + NAS).html
        places = re.findall(r'(?:href|action)="([^"]*)"', html.partition("<main")[2])
        about = [each for each in places if THERE in each or each.startswith(f"{list_}/start")]
        assert about, path
        assert [each for each in about if "destination=nas" not in each] == [], path
    assert '<input type="hidden" name="destination" value="nas">' in two.console.get(list_ + NAS).html


def test_the_details_say_where_it_lies_and_which_copies_there_are(two: Two, tmp_path: Path) -> None:
    ledger.create(two.front.store, keys.copied(backup(HERE), "nas"), Copied(at=NOON))
    page = two.console.get(f"/snapshots/partial/shop/{HERE}")
    assert page.test_id("snapshot-destination") == "default"
    assert f'href="/snapshots/partial/shop/{HERE}{NAS}"' in page.html
    assert "also in nas" in two.console.get("/snapshots/partial/shop").text
    there = two.console.get(f"/snapshots/partial/shop/{THERE}{NAS}")
    assert there.test_id("snapshot-destination") == "nas"
    assert str(tmp_path) in there.text


def test_what_is_done_is_done_there(two: Two) -> None:
    one, bus = f"/snapshots/partial/shop/{THERE}", two.front.bus
    assert two.console.post(f"{one}/hold{NAS}").location == f"{one}{NAS}&done=held"
    assert ledger.find(two.there, keys.hold(backup(THERE)), Hold) is not None
    two.console.post(f"{one}/unhold{NAS}")
    two.console.post(f"{one}/verify{NAS}")
    assert two.console.post(f"{one}/delete{NAS}").location == f"/snapshots/partial/shop{NAS}"
    two.console.post(f"/snapshots/partial/shop/start{NAS}")
    asked = [each.data for each in bus.published]
    assert [type(each) for each in asked] == [e.BackupVerifyRequested, e.BackupDeleteRequested, e.BackupRequested]
    assert {getattr(each, "destination", "") for each in asked} == {"nas"}


def test_the_row_of_another_destination_says_that_it_is_being_deleted(two: Two) -> None:
    two.console.post(f"/snapshots/partial/shop/{THERE}/delete{NAS}")
    assert "Preparing for snapshot deletion" in two.console.get(f"/snapshots/partial/shop{NAS}").text
    assert "Preparing for snapshot deletion" not in two.console.get("/snapshots/partial/shop").text


def test_grants_count_there_as_well(two: Two) -> None:
    two.console.access.who = Identity("mira", "operator", frozenset({"wiki"}))
    for path in ("/snapshots/partial/shop", f"/snapshots/partial/shop/{THERE}"):
        two.console.get(path + NAS, 403)
    two.console.post(f"/snapshots/partial/shop/{THERE}/delete{NAS}", status=403)
    assert two.front.bus.published == []
