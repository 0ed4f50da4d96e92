"""Where snapshots are stored, as KOTS' console asks for it."""

from importlib.metadata import version
from typing import Any

from pydantic import SecretStr
from starlette.responses import Response

from producers.actions import destinations as actions
from producers.actions import internal_storage
from producers.actions.destinations import Change
from producers.http.api.operation import Call
from producers.http.kots import storage_models as m
from producers.http.problems import Problem
from producers.views.destinations import is_given
from producers.views.destinations.mounting import steps
from schemas.destination import DirectoryDestination, NfsDestination
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.events import DEFAULT_DESTINATION, THE_DEFAULT

MOUNT_POINT = "/var/lib/snapline/default"
"""Where every worker has to mount an export that says nothing else."""
KEYS = ("access_key_id", "secret_access_key")


def storage_settings(call: Call) -> m.Settings:
    """Whether snapshots can be taken, and where they are stored. Secrets are not shown."""
    store, file_system = _store(call)
    running = _running(call)
    namespace = call.session.settings.console_namespace
    return m.Settings(
        veleroVersion=version("snapline"),
        veleroNamespace=namespace,
        isVeleroRunning=running,
        isNodeAgentRunning=running,
        kotsadmNamespace=namespace,
        store=store,
        fileSystemConfig=file_system,
    )


def set_storage(call: Call, body: m.SetStorage) -> m.Settings:
    """Say where snapshots are stored. All that is needed of the place is tried first."""
    session = call.session
    if is_given(session.settings, DEFAULT_DESTINATION):
        raise Invalid("the environment gives the default destination here, and counts", code=Code.DESTINATION_GIVEN)
    wanted = actions.changed(session, _change(call, body))
    actions.may_be_replaced(session, wanted)
    failed = [each for each in actions.try_out(session, wanted) if not each.ok]
    if failed:
        text = f"{wanted.place} cannot be used: {failed[0].check}: {failed[0].detail}"
        raise Invalid(text, code=Code.DESTINATION_INVALID, subject=wanted.name)
    actions.keep(session, wanted)
    return storage_settings(call)


def mount_instructions(call: Call, body: m.FileSystem) -> Response:
    """What to do so that every worker sees an NFS export or a directory: text, with the commands to type."""
    wanted = actions.changed(call.session, _file_system(body, {}))
    text = "\n".join(f"# {each.step}\n{each.text}" for each in steps(wanted))
    return Response(text, media_type="text/plain")


def _change(call: Call, body: m.SetStorage) -> Change:
    shared = {"prefix": body.path, "passphrase": _secret(body.passphrase)}
    s3 = {**shared, "bucket": body.bucket, "ca_certificate": body.caCertData}
    match body:
        case m.SetStorage(internal=True):
            found = internal_storage.found(call.session, DEFAULT_DESTINATION)
            fields = {**found.fields, "passphrase": _secret(body.passphrase)}
            return Change("s3", DEFAULT_DESTINATION, fields, found.references, ("ca_certificate", *KEYS))
        case m.SetStorage(aws=m.Aws() as aws):
            keys = {} if aws.useInstanceRole else _keys(aws)
            cleared = ("endpoint", *(KEYS if aws.useInstanceRole else ()))
            return Change("s3", DEFAULT_DESTINATION, {**s3, **keys, "region": aws.region}, cleared=cleared)
        case m.SetStorage(other=m.Other() as other):
            given = {**s3, **_keys(other), "region": other.region, "endpoint": other.endpoint}
            return Change("s3", DEFAULT_DESTINATION, given)
        case m.SetStorage(gcp=m.Gcp() as gcp):
            key = "" if gcp.useInstanceRole else _secret(gcp.jsonFile)
            given = {**shared, "bucket": body.bucket, "service_account": gcp.serviceAccount}
            cleared = ("service_account_json",) if gcp.useInstanceRole else ()
            return Change("gcs", DEFAULT_DESTINATION, {**given, "service_account_json": key}, cleared=cleared)
        case m.SetStorage(azure=m.Azure() as azure):
            return Change("azure", DEFAULT_DESTINATION, {**shared, "container": body.bucket, **_azure(azure)})
        case m.SetStorage(fileSystem=m.FileSystem() as files):
            return _file_system(files, shared)
    raise Problem(422, "body: give one of aws, gcp, azure, other, internal and fileSystem")


def _azure(azure: m.Azure) -> dict[str, str]:
    return {
        "resource_group": azure.resourceGroup,
        "storage_account": azure.storageAccount,
        "subscription_id": azure.subscriptionId,
        "tenant_id": azure.tenantId,
        "client_id": azure.clientId,
        "client_secret": _secret(azure.clientSecret),
        "cloud_name": azure.cloudName,
    }


def _file_system(files: m.FileSystem, shared: dict[str, Any]) -> Change:
    if files.nfs is not None:
        given = {**shared, "server": files.nfs.server, "export": files.nfs.path}
        return Change("nfs", DEFAULT_DESTINATION, given, usual={"path": MOUNT_POINT})
    if files.hostPath is not None:
        return Change("directory", DEFAULT_DESTINATION, {**shared, "path": files.hostPath.path})
    raise Problem(422, "body.fileSystem: give one of nfs and hostPath")


def _keys(given: m.Aws | m.Other) -> dict[str, str]:
    return {"access_key_id": given.accessKeyID, "secret_access_key": _secret(given.secretAccessKey)}


def _secret(given: SecretStr) -> str:
    """Empty, which leaves what is kept, for one that was sent back as it was shown."""
    value = given.get_secret_value()
    return "" if value == m.REDACTED else value


def _store(call: Call) -> tuple[m.Store | None, m.FileSystem | None]:
    try:
        found = actions.described(call.session, THE_DEFAULT)
    except NotFound:
        return None, None
    bucket = getattr(found, "bucket", "") or getattr(found, "container", "")
    store = m.Store(
        provider=found.provider,
        bucket=bucket,
        path=found.prefix,
        endpoint=getattr(found, "endpoint", ""),
        region=getattr(found, "region", ""),
    )
    match found:
        case NfsDestination():
            return store, m.FileSystem(nfs=m.Nfs(path=found.export, server=found.server))
        case DirectoryDestination():
            return store, m.FileSystem(hostPath=m.HostPath(path=found.path))
    return store, None


def _running(call: Call) -> bool | None:
    try:
        return call.session.bus.listeners("license.gate") > 0
    except SnaplineError:
        return None
