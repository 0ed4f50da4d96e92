"""A backup that was copied to another destination comes back from there after the first one is lost, over the whole
line with a bucket, a directory and a key for each."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local import looking
from producers.actions.objects import apply
from schemas import destination as destinations
from schemas.destination import DirectoryDestination
from schemas.kubernetes import NAMESPACES, SECRETS
from tests.support.line import CONSOLE, Line, Servers, until, whole_line

pytestmark = pytest.mark.timeout(800)


def store_on(line: Line, directory: Path) -> None:
    """The destination `nas`, with another passphrase than the first one's."""
    directory.mkdir()
    nas = DirectoryDestination(name="nas", path=str(directory), passphrase=SecretStr("of the nas"))
    apply(line.cluster, SECRETS, destinations.to_secret(nas, CONSOLE))


def lose_everything_but_the_console(line: Line) -> None:
    """The applications, and all that the first destination has."""
    applications = {namespace for namespace in line.namespaces if namespace != CONSOLE}
    for namespace in applications:
        line.cluster.delete(NAMESPACES, None, namespace)
    until(
        lambda: not applications & {found["metadata"]["name"] for found in line.cluster.list(NAMESPACES)},
        "namespaces gone",
    )
    objects = line.objects
    for found in list(objects.list("")):
        objects.delete(found.key)


def test_a_copy_brings_the_applications_back_when_the_first_destination_is_lost(
    tmp_path: Path, servers: Servers
) -> None:
    with whole_line(tmp_path / "line", servers) as line:
        store_on(line, tmp_path / "nas")
        line.stack.start_workers()
        name = line.snapline("backup", "--copy-to", "nas", "--wait", "--timeout", "400")["name"]
        # It is asked for with the backup's end; this waits for the same copy, however far that is.
        copied = line.snapline("copy", name, "--to", "nas", "--wait", "--timeout", "400")
        assert (copied["status"], copied["to"]) == ("Copied", "nas")
        assert copied["uploaded_bytes"] > 0
        described = line.snapline("describe", "backup", name)
        assert described["copies"] == {"nas": "copied"}
        before = line.look()
        lose_everything_but_the_console(line)
        [there] = line.snapline("get", "backups", "--destination", "nas")
        assert (there["name"], there["copied_from"]) == (name, "default")
        restored = line.snapline(
            *("restore", "--from-backup", name, "--destination", "nas", "--exclude-admin-console"),
            *("--wait", "--timeout", "400"),
        )
        assert restored["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
