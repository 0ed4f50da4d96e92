"""Repositories from before records were sealed: how they get rid of plain ones, and who says that they have them."""

from pathlib import Path

import pytest

from producers.actions import keys
from schemas.errors import Code, Damaged, Invalid
from schemas.job import backup
from schemas.keys import is_record, running
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE, QUICK, sealed
from tests.support.written_keys import WRITTEN
from workers.repository import open_repository
from workers.repository.format import key_record, keyring
from workers.repository.format.layout import FIRST_KEY, KEYS


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def test_rotating_seals_what_was_plain_and_no_plain_record_is_believed_from_then_on(front: Front) -> None:
    old = key_record.wrap(bytes(32), PASSPHRASE, "old", QUICK, 1)
    front.objects.put(FIRST_KEY, old)
    plain = {key: b'{"format":1}' for made in WRITTEN.values() for key in made if not key.startswith("running/")}
    plain = {key: body for key, body in plain.items() if is_record(key)}
    for key, body in plain.items():
        front.objects.put(key, body)
    keys.add(front.session, "second")
    assert keyring.open_keys(front.objects, "second").plain_records, "as for the passphrase that it was added with"
    begun = running(backup("b"))
    front.objects.put(begun, b"{}")
    with pytest.raises(Invalid, match="under way") as busy:
        keys.rotate(front.session, "third")
    assert busy.value.code == Code.NOT_FINISHED
    front.objects.delete(begun)
    keys.rotate(front.session, "third")
    records = sealed(front.objects, open_repository(front.objects, "third"))
    assert {key: records.get(key) for key in plain} == plain
    front.objects.put(next(iter(plain)), b'{"format":1}')
    with pytest.raises(Damaged, match="not sealed"):
        records.get(next(iter(plain)))


def test_who_recovers_says_whether_plain_records_are_believed(front: Front) -> None:
    text = keys.show_recovery_text(front.session)
    open_repository(front.objects, PASSPHRASE).sealed.write(f"repository/volumes/{'0' * 32}", b"x")
    for plain in (False, True):
        front.objects.delete(FIRST_KEY)
        for each in keys.listed(front.session):
            front.objects.delete(KEYS + each.id)
        keys.recover(front.session, text, "recovered", plain_records=plain)
        assert keyring.open_keys(front.objects, PASSPHRASE).plain_records is plain
