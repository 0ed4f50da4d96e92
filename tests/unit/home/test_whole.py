"""Of whom an error of a full snapshot is: in doubt, of all."""

from datetime import timedelta

import pytest

from producers.views.home.whole import lacking
from schemas.messages import Message
from schemas.records import AppRef, BackupRecord, Coverage
from tests.support.front import NOON

APPS = [AppRef(slug="shop"), AppRef(slug="wiki")]
COVERS = [
    Coverage(owner="console", namespaces=["snapline-console"]),
    Coverage(owner="shop", namespaces=["shop", "apps"]),
    Coverage(owner="wiki", namespaces=["wiki", "common"]),
]


def record(*errors: Message, **more: object) -> BackupRecord:
    given = {
        "name": "instance-1",
        "request": "q",
        "status": "PartiallyFailed",
        "apps": APPS,
        "covers": COVERS,
        "requested_at": NOON,
        "completed_at": NOON + timedelta(minutes=1),
        "errors": list(errors),
    }
    return BackupRecord.model_validate(given | more)


def error(subject: str, text: str = "something went wrong") -> Message:
    return Message(code="X", text=text, subject=subject)


@pytest.mark.parametrize(
    ("subject", "text", "whose"),
    [
        ("shop", "application shop: nothing of it is in the backup", {"shop"}),
        ("lab", "application lab: its license has expired", {"lab"}),
        ("Pod shop/db-0, volume data", "was not copied", {"shop"}),
        ("shop/db-0, volume data", "was not copied", {"shop"}),
        ("wiki/data", "cannot be read", {"wiki"}),
        ("PersistentVolumeClaim wiki/data", "is not bound", {"wiki"}),
        ("common", "namespace common, where wiki should be, is not there", {"wiki"}),
        ("apps", "API group apps could not be read", {"shop", "wiki", "console"}),
        ("deployments.apps", "could not be read", {"shop", "wiki", "console"}),
        ("elsewhere/db-0", "was not copied", {"shop", "wiki", "console"}),
        ("", "something", {"shop", "wiki", "console"}),
        ("snapline-console/db", "was not copied", {"console"}),
    ],
)
def test_an_error_is_of_those_who_look_where_it_is(subject: str, text: str, whose: set[str]) -> None:
    assert set(lacking(record(error(subject, text)))) == whose


def test_who_may_have_objects_anywhere_is_never_sure() -> None:
    assert set(lacking(record(error("shop/db-0")), everywhere={"wiki"})) == {"shop", "wiki"}


def test_a_namespace_that_is_left_out_is_nobodys() -> None:
    covers = [Coverage(owner="shop", namespaces=["*"], excluded_namespaces=["wiki"]), COVERS[2]]
    assert set(lacking(record(error("wiki/db"), covers=covers))) == {"wiki"}


def test_the_first_error_of_each_says_why() -> None:
    first, second = error("shop/db-0", "a"), error("shop/db-1", "b")
    assert lacking(record(first, second)) == {"shop": first}


def test_what_completed_lacks_nothing_and_what_failed_everything() -> None:
    assert lacking(record(status="Completed")) == {}
    assert set(lacking(record(status="Failed", errors=[]))) == {"shop", "wiki", "console"}
    assert set(lacking(record())) == {"shop", "wiki", "console"}
    assert set(lacking(record(app="shop", apps=APPS[:1], covers=[]))) == {"shop"}
