"""The environment is read strictly, and its secrets stay in it."""

import pytest

from schemas.errors import Invalid
from schemas.settings import Settings, from_environment


def test_settings_come_from_the_environment_and_empty_is_unset() -> None:
    settings = from_environment({"SNAPLINE_SLICE_SECONDS": "5", "SNAPLINE_S3_BUCKET": "", "PATH": "x"})
    assert (settings.slice_seconds, settings.s3_bucket) == (5.0, "")


def test_a_misspelt_variable_stops_the_program() -> None:
    with pytest.raises(Invalid, match="SNAPLINE_S3_BUKCET"):
        from_environment({"SNAPLINE_S3_BUKCET": "x"})


def test_a_bad_value_is_named_but_not_shown() -> None:
    with pytest.raises(Invalid, match="slice_seconds") as error:
        from_environment({"SNAPLINE_SLICE_SECONDS": "hunter2"})
    assert "hunter2" not in str(error.value)


def test_secrets_are_known_and_not_printed() -> None:
    given = {"SNAPLINE_AMQP_URL": "amqp://u:p%40ss@h/", "SNAPLINE_PASSPHRASE": "open sesame"}
    settings = from_environment(given)
    assert {"p@ss", "open sesame", "amqp://u:p%40ss@h/"} <= set(settings.secrets())
    assert "open sesame" not in repr(settings)


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
