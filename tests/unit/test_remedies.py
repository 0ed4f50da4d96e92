"""What the command line says to do about an error: for codes that there are, by commands that there are."""

import re
from typing import Any

import pytest
import typer

from producers.cli.main import cli
from producers.cli.remedies import REMEDIES, with_remedy
from schemas.errors import Code, Denied, Invalid, NotFound
from schemas.messages import Message, told

COMMAND = re.compile(r"`snapline ([^`]+)`")


def test_a_sentence_is_followed_by_what_to_do() -> None:
    asked = NotFound("there is no such key", code=Code.NO_SUCH_KEY)
    assert with_remedy(asked) == "there is no such key; `snapline repository key list` shows them"
    assert with_remedy(told(asked)) == with_remedy(asked)


def test_the_subject_is_filled_in() -> None:
    ended = NotFound("a has ended already", code=Code.ALREADY_ENDED, subject="backup a")
    assert with_remedy(ended) == "a has ended already; `snapline describe backup a` says how"


def test_where_there_is_nothing_to_add_nothing_is_added() -> None:
    assert with_remedy(NotFound("nothing")) == "nothing"
    assert with_remedy(Message(code="OfALaterVersion", text="something")) == "something"


def test_nobody_is_told_to_do_what_he_has_just_done() -> None:
    refused = Denied("the store refuses the key", code=Code.STORE_CREDENTIALS)
    assert with_remedy(refused, "storage check nas").endswith("key; `snapline set destination` replaces them")
    assert with_remedy(refused, "get backups").count("`snapline") == 2
    wrong = Denied("the passphrase opens nothing", code=Code.WRONG_PASSPHRASE)
    assert with_remedy(wrong, "storage set s3").endswith("nothing; `snapline repository key add` another")
    lost = Invalid("this store is unsuitable", code=Code.STORE_UNSUITABLE)
    assert with_remedy(lost, "storage check") == "this store is unsuitable"


@pytest.mark.parametrize("code", REMEDIES)
def test_a_remedy_is_for_a_code_and_names_commands_that_there_are(code: str) -> None:
    assert code in set(Code)
    for said in COMMAND.findall(REMEDIES[code]):
        group: Any = typer.main.get_command(cli)
        for word in said.split():
            if not hasattr(group, "commands") or word.startswith(("{", "-")):
                break
            group = group.get_command(None, word)
            assert group is not None, said
