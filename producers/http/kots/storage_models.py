"""KOTS' JSON about where snapshots are stored. A secret is never shown; one that is sent back as it was shown stays."""

from pydantic import Field, SecretStr

from producers.http.kots.models import Given, Kots

REDACTED = "--- REDACTED ---"
"""In place of a secret, as KOTS has it."""


class Aws(Given):
    """Of Amazon S3."""

    region: str = Field(default="", max_length=300)
    accessKeyID: str = Field(default="", max_length=300)
    secretAccessKey: SecretStr = SecretStr("")
    useInstanceRole: bool = False


class Gcp(Given):
    """Of Google Cloud Storage."""

    useInstanceRole: bool = False
    serviceAccount: str = Field(default="", max_length=300)
    jsonFile: SecretStr = SecretStr("")


class Azure(Given):
    """Of Azure Blob Storage."""

    resourceGroup: str = Field(default="", max_length=300)
    storageAccount: str = Field(default="", max_length=300)
    subscriptionId: str = Field(default="", max_length=300)
    tenantId: str = Field(default="", max_length=300)
    clientId: str = Field(default="", max_length=300)
    clientSecret: SecretStr = SecretStr("")
    cloudName: str = Field(default="", max_length=300)


class Other(Given):
    """Of another S3 server."""

    region: str = Field(default="", max_length=300)
    accessKeyID: str = Field(default="", max_length=300)
    secretAccessKey: SecretStr = SecretStr("")
    endpoint: str = Field(default="", max_length=1000)


class Nfs(Given):
    """An export; `path` is what the server calls it."""

    path: str = Field(max_length=1000)
    server: str = Field(max_length=300)


class HostPath(Given):
    """A directory."""

    path: str = Field(max_length=1000)


class FileSystem(Given):
    """An NFS export or a directory. Nothing that is there is ever reset."""

    nfs: Nfs | None = None
    hostPath: HostPath | None = None
    forceReset: bool = False


class SetStorage(Given):
    """Where snapshots are stored from now on: one of the kinds. `passphrase` is that of the repository there; without
    it, the one that is set stays."""

    bucket: str = Field(default="", max_length=300)
    path: str = Field(default="", max_length=1000)
    caCertData: str = ""
    aws: Aws | None = None
    gcp: Gcp | None = None
    azure: Azure | None = None
    other: Other | None = None
    internal: bool = False
    fileSystem: FileSystem | None = None
    passphrase: SecretStr = SecretStr("")


class Store(Kots):
    """Where snapshots are stored; `path` is the prefix."""

    provider: str
    bucket: str
    path: str
    endpoint: str = ""
    region: str = ""


class Settings(Kots):
    """Whether snapshots can be taken, and where they are stored; null if nowhere yet. In Velero's place are the workers
    of the line: whether one of them listens is what `isVeleroRunning` says, null if nobody can tell."""

    success: bool = True
    error: str = ""
    veleroVersion: str
    veleroPlugins: list[str] = []
    veleroNamespace: str
    isVeleroRunning: bool | None
    isMinioDisabled: bool = True
    veleroPod: str = ""
    nodeAgentVersion: str = ""
    isNodeAgentRunning: bool | None
    nodeAgentPods: list[str] = []
    kotsadmNamespace: str
    isKurl: bool = False
    isMinimalRBACEnabled: bool = False
    store: Store | None
    fileSystemConfig: FileSystem | None
