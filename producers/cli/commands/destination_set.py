"""`snapline set destination`, and `storage configure`: stores a destination, or changes it, once it has been tried."""

from pathlib import Path
from typing import Annotated

import typer

from producers.actions import destinations as actions
from producers.actions import internal_storage as internal
from producers.actions.destinations import Change
from producers.cli.context import OutputOption, note, session_of
from producers.cli.destination_options import (
    AccessKey,
    Bucket,
    CaCert,
    Force,
    ForceReset,
    How,
    NameOption,
    NoCheck,
    Prefix,
    Region,
    SecretKey,
    stored,
)
from producers.cli.given_secrets import SEEN, PassphraseOption, SecretOption, Wanted, secrets
from producers.cli.render import Output
from schemas.errors import Invalid
from schemas.events import DEFAULT_DESTINATION

setting = typer.Typer(
    no_args_is_help=True, help="Store a destination in the cluster, or change it; what is not given stays as it was."
)

MOUNT_POINTS = "/var/lib/snapline"
"""Where exports are mounted, each under the name of its destination, if nothing else is said."""
OTHER = ("endpoint", "ca_certificate")
"""What belongs to a server of one's own."""
KEYS = ("access_key_id", "secret_access_key")


def _keys(id_: str | None, key: str | None, secret: str | None) -> dict[str, Wanted]:
    """The pair of keys: of a Secret without a KEY, the name of the pair is in it, too."""
    pair = {"access_key_id": Wanted("", kept_in=secret)} if secret and not id_ and _is_whole(secret) else {}
    return {**pair, "secret_access_key": Wanted("Secret access key", key, secret)}


def _is_whole(secret: str) -> bool:
    return not secret.startswith("env:") and "/" not in secret


def _passphrase(kept_in: str | None) -> dict[str, Wanted]:
    return {"passphrase": Wanted("Repository passphrase", kept_in=kept_in)}


def _set(ctx: typer.Context, change: Change, how: How) -> None:
    session = session_of(ctx)
    stored(session, actions.changed(session, change), how)


@setting.command("aws-s3")
def set_aws_s3(
    ctx: typer.Context,
    bucket: Bucket = None,
    name: NameOption = DEFAULT_DESTINATION,
    region: Region = None,
    prefix: Prefix = None,
    access_key_id: AccessKey = None,
    secret_access_key: SecretKey = None,
    instance_role: Annotated[
        bool, typer.Option("--instance-role", help="The role of the machine, in place of keys.")
    ] = False,
    secret: SecretOption = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A bucket of AWS. Secret key and passphrase come on standard input, a line each."""
    keys = {} if instance_role else _keys(access_key_id, secret_access_key, secret)
    kept = secrets({**keys, **_passphrase(passphrase_secret)})
    given = {"bucket": bucket, "region": region, "prefix": prefix, "access_key_id": access_key_id}
    cleared = OTHER + KEYS if instance_role else OTHER
    _set(ctx, Change("s3", name, {**given, **kept.values}, kept.references, cleared), How(no_check, force, output))


@setting.command("other-s3")
@setting.command("s3", hidden=True)
def set_other_s3(
    ctx: typer.Context,
    bucket: Bucket = None,
    name: NameOption = DEFAULT_DESTINATION,
    endpoint: Annotated[str | None, typer.Option(help="URL of the S3 server.")] = None,
    region: Region = None,
    prefix: Prefix = None,
    access_key_id: AccessKey = None,
    secret_access_key: SecretKey = None,
    cacert: CaCert = None,
    secret: SecretOption = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A bucket of another S3 server. Secret key and passphrase come on standard input, a line each."""
    kept = secrets({**_keys(access_key_id, secret_access_key, secret), **_passphrase(passphrase_secret)})
    given = {
        "bucket": bucket,
        "endpoint": endpoint,
        "region": region,
        "prefix": prefix,
        "access_key_id": access_key_id,
        "ca_certificate": text_of(cacert),
    }
    _set(ctx, Change("s3", name, {**given, **kept.values}, kept.references), How(no_check, force, output))


@setting.command("gcp")
@setting.command("gcs", hidden=True)
def set_gcp(
    ctx: typer.Context,
    bucket: Bucket = None,
    name: NameOption = DEFAULT_DESTINATION,
    prefix: Prefix = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json-file", exists=True, dir_okay=False, help="Key of a service account, as Google writes it."),
    ] = None,
    service_account: Annotated[
        str | None, typer.Option(help="Account whose role the machine has: workload identity, without a key.")
    ] = None,
    secret: SecretOption = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A bucket of Google Cloud Storage. The passphrase comes on standard input. Without a key: the machine's role."""
    key = {"service_account_json": Wanted("", kept_in=secret)} if secret else {}
    kept = secrets({**key, **_passphrase(passphrase_secret)})
    given = {
        "bucket": bucket,
        "prefix": prefix,
        "service_account": service_account,
        "service_account_json": text_of(json_file),
    }
    cleared = ["service_account_json"] if service_account and not json_file and not secret else []
    _set(ctx, Change("gcs", name, {**given, **kept.values}, kept.references, cleared), How(no_check, force, output))


@setting.command("azure")
def set_azure(
    ctx: typer.Context,
    container: Annotated[str | None, typer.Option(help="Name of the container.")] = None,
    storage_account: Annotated[str | None, typer.Option(help="Its storage account.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    prefix: Prefix = None,
    resource_group: Annotated[str | None, typer.Option(help="Resource group of the storage account.")] = None,
    subscription_id: Annotated[str | None, typer.Option(help="Subscription of the storage account.")] = None,
    tenant_id: Annotated[str | None, typer.Option(help="Tenant that the client signs in to.")] = None,
    client_id: Annotated[
        str | None, typer.Option(help="Client, a service principal; without it: the machine's.")
    ] = None,
    client_secret: Annotated[str | None, typer.Option(help=f"The client's secret: {SEEN}.")] = None,
    cloud_name: Annotated[str | None, typer.Option(help="AzurePublicCloud, AzureUSGovernmentCloud or so on.")] = None,
    secret: SecretOption = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A container of Azure Blob Storage. The client's secret and the passphrase come on standard input, a line each."""
    of_client = {"client_secret": Wanted("Client secret", client_secret, secret)}
    kept = secrets({**of_client, **_passphrase(passphrase_secret)})
    given = {
        "container": container,
        "storage_account": storage_account,
        "prefix": prefix,
        "resource_group": resource_group,
        "subscription_id": subscription_id,
        "tenant_id": tenant_id,
        "client_id": client_id,
        "cloud_name": cloud_name,
    }
    _set(ctx, Change("azure", name, {**given, **kept.values}, kept.references), How(no_check, force, output))


@setting.command("nfs")
def set_nfs(
    ctx: typer.Context,
    nfs_server: Annotated[str | None, typer.Option(help="Host name or address of the server.")] = None,
    nfs_path: Annotated[str | None, typer.Option(help="What it exports.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    mounted_at: Annotated[
        str | None, typer.Option(help=f"Where every worker mounts it; {MOUNT_POINTS}/NAME at first.")
    ] = None,
    prefix: Prefix = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    force_reset: ForceReset = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """An NFS export. The passphrase comes on standard input. `describe destination --mount` says how to mount it."""
    _say_what_stays(force_reset)
    kept = secrets(_passphrase(passphrase_secret))
    given = {"server": nfs_server, "export": nfs_path, "path": mounted_at, "prefix": prefix, **kept.values}
    usual = {"path": f"{MOUNT_POINTS}/{name}"}
    _set(ctx, Change("nfs", name, given, kept.references, usual=usual), How(no_check, force, output))


@setting.command("hostpath")
def set_hostpath(
    ctx: typer.Context,
    hostpath: Annotated[str | None, typer.Option(help="Where every worker has it.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    prefix: Prefix = None,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    force_reset: ForceReset = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """A directory that every worker has at the same path. The passphrase comes on standard input."""
    _say_what_stays(force_reset)
    kept = secrets(_passphrase(passphrase_secret))
    given = {"path": hostpath, "prefix": prefix, **kept.values}
    _set(ctx, Change("directory", name, given, kept.references), How(no_check, force, output))


@setting.command("directory", hidden=True)
def set_directory(
    ctx: typer.Context,
    path: Annotated[str | None, typer.Option(help="Where every worker has it.")] = None,
    name: NameOption = DEFAULT_DESTINATION,
    prefix: Annotated[str | None, typer.Option(help="Prefix of all keys.")] = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """As `hostpath`."""
    set_hostpath(ctx, path, name, prefix, no_check=no_check, force=force, output=output)


@setting.command("internal")
def set_internal(
    ctx: typer.Context,
    name: NameOption = DEFAULT_DESTINATION,
    passphrase_secret: PassphraseOption = None,
    no_check: NoCheck = False,
    force: Force = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """The S3 server that came with Snapline, or that a Service beside the console offers. It needs no keys from you."""
    session, kept = session_of(ctx), secrets(_passphrase(passphrase_secret))
    found = internal.found(session, name)
    change = Change("s3", name, {**found.fields, **kept.values}, {**found.references, **kept.references}, OTHER + KEYS)
    stored(session, actions.changed(session, change), How(no_check, force, output))


def _say_what_stays(force_reset: bool) -> None:
    if force_reset:
        note("nothing in the directory is reset: what others have there stays, and Snapline does without")


def text_of(file: Path | None) -> str | None:
    """What is in a small file. Raises Invalid for one that is no text."""
    try:
        return file.read_text() if file else None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read as text: {type(error).__name__}") from error
