"""Our servers speak TLS where they are given a certificate, and `--server` believes its authority alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from producers.cli.main import cli
from producers.http import tls
from schemas.errors import Invalid, TransientError
from schemas.settings import Settings
from tests.support import api
from tests.support.api import Site
from tests.support.authority import Authority
from tests.support.served import served


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        yield made


def ask(url: str, ca: Path | None) -> Result:
    environment = {"SNAPLINE_TOKEN": "admin", "SNAPLINE_SERVER_CA": str(ca or "")}
    with capture_logs():
        return CliRunner().invoke(cli, ["--server", url, "get", "backups", "-o", "json"], env=environment)


def settings(authority: Authority, *names: str, ended: timedelta = timedelta(0)) -> Settings:
    pair = authority.pair(*names, ended=ended)
    return Settings(tls_certificate=pair.certificate, tls_key=pair.key)


def test_a_server_is_asked_over_tls(site: Site, authority: Authority) -> None:
    with served(site.app, **tls.files(settings(authority, "127.0.0.1"))) as url:
        assert url.startswith("https://")
        done = ask(url, authority.file)
    assert (done.exit_code, done.stdout.strip()) == (0, "[]")


def test_nobody_else_is_believed(site: Site, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    another = Authority(tmp_path / "another", "another")
    wrong = {
        "another authority": (settings(another, "127.0.0.1"), authority.file),
        "none that is well known": (settings(authority, "127.0.0.1"), None),
        "another name": (settings(authority, "elsewhere.example"), authority.file),
        "it has ended": (settings(authority, "127.0.0.1", ended=timedelta(days=30)), authority.file),
    }
    for why, (with_, ca) in wrong.items():
        with served(site.app, **tls.files(with_)) as url:
            refused = ask(url, ca).exception
        assert isinstance(refused, TransientError), why
        assert "certificate verify failed" in str(refused), why


def test_wrong_files_stop_the_server_and_the_command(authority: Authority, tmp_path: Path) -> None:
    one, other = authority.pair("127.0.0.1"), authority.pair("127.0.0.1")
    for certificate, key in (
        (one.certificate, None),
        (None, one.key),
        (one.certificate, other.key),
        (tmp_path / "none", one.key),
        (one.key, one.certificate),
    ):
        with pytest.raises(Invalid, match="SNAPLINE_TLS_CERTIFICATE and SNAPLINE_TLS_KEY"):
            tls.files(Settings(tls_certificate=certificate, tls_key=key))
    assert tls.files(Settings()) == {}
    assert isinstance(ask("https://127.0.0.1:1", tmp_path / "none").exception, Invalid)
