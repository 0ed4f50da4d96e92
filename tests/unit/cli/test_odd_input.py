"""Odd arguments, files, names, environments and records at every command: a clear line, a right code, nothing lost."""

import json
import os
import random
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from producers.actions import applications, follow, schedules
from producers.cli import failures, shapes
from producers.cli.exits import Exit
from producers.cli.main import cli
from producers.views.catalog import open_catalog
from schemas import application, keys, schedule
from schemas import destination as destinations
from schemas.errors import SnaplineError
from schemas.job import backup, restore
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from tests.support.front import Front, volume
from tests.support.sealed import PASSPHRASE
from tests.support.volumes import copy, volume_of
from tests.unit.cli.test_grammar import ALL
from tests.unit.test_actions import LICENSE
from workers.repository import open_repository

ROUNDS = 20
EACH = 100
NOT_TRIED = {"console", "worker", "scheduler", "schema", "serve-api", "serve-events", "watch-upgrades"}
"""Commands that become something else, go on for ever, or write into this checkout."""
FOR_EVER = {"--watch", "--follow", "--wait"}
ODD = [
    "",
    " ",
    "-",
    "--",
    "..",
    "../../etc/passwd",
    "/",
    "nan",
    "inf",
    "-1",
    "1e999",
    "99999999999999999999",
    "0x10",
    "true",
    "null",
    "[/b]",
    "[bold]a[/bold]",
    "a [/b] x",
    ":smile:",
    "{}",
    "{subject}",
    "%s%n",
    "größe",
    "店",
    "\u202egnihtemos",
    "\u200b",
    "é",
    "\udcff\udc80",
    "\ud800",
    "a\nb",
    "a\tb\r",
    "\x1b[2J\x1b]0;owned\x07",
    "\x7f",
    "x" * 300,
    "y" * 20_000,
    "instance-bcdfg",
    "a",
    "shop",
    "default",
    "license.gate",
    "volumes.node-a",
    "backup.requested.v1",
    "*",
    "@daily",
    "* * * * *",
    "0 0 31 2 *",
    "@every 0s",
    "@every 1e9h",
    "2026-11-23",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "3d",
    "Completed",
    "json",
    "$(id)",
    "`id`",
    "';--",
]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"text"',
    b"\xff\xfe\x00",
    b"{}",
    b'{"ap": "shop"}',
    b'{"app": ["a", {"b": 1}]}',
    b"a: &a [*a]",
    b"a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b]\n",
    b"[" * 50_000,
    b"!!python/object/apply:os.system ['true']",
    b"date: 2026-99-99",
    b"? [a]\n: b\n",
    b"\x1b[2J[/b]",
    b"x" * 300_000,
    '{"app": "größe\\ud800"}'.encode(),
    b"apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: '[/b]'}\nspec: {hooks: 7}\n",
    b"apiVersion: kots.io/v1beta1\nkind: License\nspec: {signature: AAAA}\n",
    b'{"specversion": "1.0", "id": "i", "source": "s", "type": "backup.requested.v1", "data": {}}',
    b'{"specversion": 7, "id": [], "type": {}, "data": null}',
]


NAMES = ("instance-bcdfg", "a", "odd-3", "odd-7", "odd-11", "odd-15", "odd-19")
THERE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("name", "names", "backup", "from_backup", "rollback"), NAMES),
    **dict.fromkeys(("volume",), ("shop/data", "data", "blog/db-0/data")),
    **dict.fromkeys(("path", "paths"), ("[b]", "directory", "a b", "größe", "/", "directory/[b]", "")),
    "queue": ("license.gate", "volumes.node-a"),
    "type_": ("backup.requested.v1", "restore.requested.v1", "tick.minute.v1", "volumes.progressed.v1"),
    "cron": ("@daily", "0 2 * * *", "@every 2h"),
}
"""Parameters, and values of things that there are."""


class Trial:
    """A system in which something precious is, and in which nothing else is as it should be."""

    def __init__(self, tmp: Path, chance: random.Random) -> None:
        self.front, self.tmp, self.chance = Front(tmp), tmp, chance
        repository = open_repository(self.front.objects, PASSPHRASE)
        self.front.back_up("precious")
        copied = volume_of(copy(repository, self._volume()))
        self.front.finish("instance-bcdfg", volumes=[volume(copied), volume(copied, None, "blog")])
        self.front.begin("a")
        applications.register(self.front.session, "precious", license=LICENSE, name="a [/b] x \x1b[2J")
        schedules.put(self.front.session, "precious", "@daily")
        self.files = list(self._files())
        self._spoil_records()
        self._spoil_objects()
        self.precious = self.kept()

    def kept(self) -> object:
        """What must be there at the end as it was at the beginning."""
        names = (application.secret_name("precious"), schedule.NAME_PREFIX + "precious")
        objects = [*self.front.cluster.list(SECRETS), *self.front.cluster.list(CONFIG_MAPS)]
        data = {obj["metadata"]["name"]: obj["data"] for obj in objects if obj["metadata"]["name"] in names}
        statuses = {view.name: view.status for view in open_catalog(self.front.session).backups()}
        return data, statuses["precious"], statuses["instance-bcdfg"]

    def _volume(self) -> Path:
        """Files whose names nobody would choose."""
        root = self.tmp / "volume"
        (root / "directory").mkdir(parents=True)
        for name in ("[b]", "größe", os.fsdecode(b"\xff"), "\x1b[2J", "a b", "x" * 200, "{subject}"):
            (root / name).write_text("content")
            (root / "directory" / name).symlink_to(name)
        os.utime(root / "a b", ns=(0, -(10**18)))
        os.utime(root / "größe", ns=(0, 9 * 10**18))
        return root

    def _files(self) -> Iterator[str]:
        (self.tmp / "directory").mkdir()
        yield from (str(self.tmp / "directory"), str(self.tmp / "missing"), "/dev/null", "/proc/self/mem", "-")
        for number, body in enumerate(BODIES):
            (self.tmp / f"file-{number}").write_bytes(body)
            yield str(self.tmp / f"file-{number}")

    def _spoil_records(self) -> None:
        """Sealed or bare, whole or not: as of another version, or of somebody who can write to the bucket."""
        for number, body in enumerate(BODIES):
            store = self.chance.choice([self.front.store, self.front.objects])
            for job in (backup(f"odd-{number}"), restore(f"odd-{number}")):
                store.put(self.chance.choice([keys.final, keys.request, keys.running, keys.plan])(job), body)
        self.front.objects.put(keys.finals_of("backup") + "\x1b[2J.json", b"{}")
        self.front.objects.put(keys.finals_of("backup") + "[/b]/x", b"{}")

    def _spoil_objects(self) -> None:
        labels = {SECRETS: (application.LABEL, destinations.LABEL), CONFIG_MAPS: (schedule.LABEL,)}
        number = 0
        for type_, known in labels.items():
            for label in known:
                for data in ({}, {"license": "%%%"}, {"provider": "AAAA"}, {"expression": "never", "since": "x"}):
                    number += 1
                    name = self.chance.choice(["odd", "snapline-application-odd", "snapline-destination-odd"])
                    metadata = {"name": f"{name}-{number}", "namespace": self.front.session.settings.console_namespace}
                    metadata_labels = {label: self.chance.choice(["odd", "Not A Slug", "[/b]", "x" * 63])}
                    obj = {"apiVersion": "v1", "kind": type_.kind, "metadata": {**metadata, "labels": metadata_labels}}
                    self.front.cluster.create(type_, {**obj, "data": data})

    def arguments(self) -> list[str]:
        """A command that there is, and whatever."""
        name, command = self.chance.choice(TRIED)
        said: list[str] = name.split()
        for each in command.params:
            flags = [option for option in each.opts if option.startswith("-")]
            seldom = 0.95 if each.name == "destination" else 0.6
            if FOR_EVER & set(flags) or (flags and self.chance.random() < seldom and each.name != "timeout"):
                continue
            value = self._value(each)
            if not flags:
                said += [value] * self.chance.choice([1, 1, 1, 1, 0, 2])
            elif getattr(each, "is_flag", False):
                said.append(flags[0])
            else:
                said += [flags[0], value]
        if name == "events tail":
            said.append("--no-follow")
        return said

    def _value(self, param: Any) -> str:
        if param.name == "target":
            return self.chance.choice([str(self.tmp / "target"), str(self.tmp / "file-0"), "/proc/none"])
        if param.name == "timeout":
            return self.chance.choice(["0.01", "0.02", "-1", "nan", "x", ""])
        if "file" in (param.name or "") and self.chance.random() < 0.8:
            return self.chance.choice(self.files)
        if param.name == "output" and self.chance.random() < 0.8:
            return self.chance.choice(["json", "yaml", "table"])
        known = THERE.get(param.name or "", ())
        return self.chance.choice(known if known and self.chance.random() < 0.7 else ODD)

    def run(self, arguments: list[str]) -> Result:
        body = self.chance.choice([*BODIES, b"new passphrase\n", f"{PASSPHRASE}\n".encode()])
        return CliRunner().invoke(cli, arguments, obj=self.front.session, input=body)


TRIED = [(name, command) for name, command in ALL if name not in NOT_TRIED and not hasattr(command, "list_commands")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody waits long for what will not come."""
    monkeypatch.setattr(follow, "BEAT", 0.001)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_is_said_is_answered(seed: int, tmp_path: Path) -> None:
    trial = Trial(tmp_path, random.Random(seed))
    try:
        for number in range(EACH):
            arguments = trial.arguments()
            _is_answered(trial.run(arguments), arguments, f"seed {seed}, number {number}")
        assert trial.kept() == trial.precious
    finally:
        trial.front.session.close()


def _is_answered(done: Result, arguments: list[str], which: str) -> None:
    what = f"{which}: {arguments!r}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, SnaplineError), f"{what}: {done.exception!r}"
        assert str(done.exception), what
        assert len(str(done.exception)) < 3000, what
        code = failures.said(done.exception, arguments)
    else:
        code = done.exit_code
    assert code in set(Exit), what
    assert "Traceback" not in done.output, what
    if arguments[:2] != ["files", "cat"]:
        assert not {"\x1b", "\x07"} & set(done.output), what
    wanted = [said for option, said in pairwise(arguments) if option == "--output"]
    if code == 0 and wanted[-1:] == ["json"] and arguments[:1] not in (["events"], ["logs"]):
        name = max((name for name in shapes.COMMANDS if " ".join(arguments).startswith(name)), key=len, default="")
        other = {"backup ls": "get backups", "restore ls": "get restores"}.get(" ".join(arguments[:2]), name)
        if name:
            TypeAdapter(shapes.COMMANDS[other]).validate_json(done.stdout)
        else:
            json.loads(done.stdout)


VARIABLES = ("AMQP_URL", "KUBECONFIG", "DIRECTORY", "CACHE", "TRUSTED_USERS", "NO_SUCH")
ENVIRONMENTS = [
    (name, odd)
    for name in VARIABLES
    for odd in ODD
    if "\ud800" not in odd and not (name == "CACHE" and ("/" in odd or ".." in odd))  # that would be written to
]


@pytest.mark.parametrize(("name", "odd"), ENVIRONMENTS)
def test_an_odd_environment_is_said_to_be_odd(
    name: str, odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNAPLINE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SNAPLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(f"SNAPLINE_{name}", odd)
    for arguments in (["settings", "-o", "json"], ["get", "backups"], ["get", "apps"]):
        done = CliRunner().invoke(cli, arguments)
        _is_answered(done, arguments, f"{name}={odd!r}")


def test_a_fault_of_our_own_is_one_line_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert failures.said(KeyError("x"), ["get", "backups"]) == Exit.FAILED
    [file] = tmp_path.iterdir()
    assert capsys.readouterr().err == f"snapline: this is a fault of Snapline's own ({file} has it)\n"
    assert "KeyError: 'x'" in file.read_text()


def test_so_many_are_tried() -> None:
    assert ROUNDS * EACH >= 2000
    assert len({name.split()[0] for name, _ in TRIED}) >= 15
