"""A private Google Cloud Storage: gcp-storage-emulator in this process, on the loopback.

The emulator ignores preconditions, gives every list whole, keeps names by paths (so that `a//b` is `a/b`, and `..` an
error), and writes its whole catalog anew with every change. What is added here makes it do these things as
https://cloud.google.com/storage/docs/json_api/v1 says; what it lacks beyond that is said in docs/keep-backups-well.md.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer
from typing import Any

from gcp_storage_emulator.handlers import buckets, objects
from gcp_storage_emulator.server import Request, RequestHandler, Response
from gcp_storage_emulator.storage import Storage

from schemas.destination import GcsDestination
from workers.ports import ObjectStore

BUCKET = "snapline"


class GoogleStorage:
    """A running server."""

    def __init__(self, endpoint: str, storage: "_Storage") -> None:
        self.endpoint, self._storage = endpoint, storage

    def destination(self, prefix: str = "") -> GcsDestination:
        """The bucket, for `open_store`."""
        return GcsDestination(bucket=BUCKET, endpoint=self.endpoint, prefix=prefix)

    def fill(self, store: ObjectStore, keys: list[str]) -> None:
        """Makes empty objects without a request for each: as copies of one that the store makes for it."""
        store.put("model", b"")
        objects_ = self._storage.objects[BUCKET]
        name = next(name for name in reversed(objects_) if name.endswith("model"))
        for key in keys:
            copied = name.removesuffix("model") + key
            objects_[copied] = objects_[name] | {"name": copied}
        store.delete("model")


@contextmanager
def serving() -> Iterator[GoogleStorage]:
    """While it answers; all is forgotten then."""
    storage = _Storage(use_memory_fs=True)
    buckets.create_bucket(BUCKET, storage)
    server = _Server(("127.0.0.1", 0), partial(_Handler, storage))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield GoogleStorage(f"http://127.0.0.1:{server.server_port}", storage)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _PreconditionFailed(Exception):
    pass


class _Server(HTTPServer):
    """One request after the other: the emulator's storage is not made for threads."""

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


class _Storage(Storage):  # type: ignore[misc]
    free_only = False
    """Whether the request that is handled now has the condition that the name is free."""

    def create_file(self, bucket: str, name: str, *rest: Any) -> None:
        if self.free_only and name in self.objects.get(bucket, {}):
            raise _PreconditionFailed
        super().create_file(bucket, name, *rest)

    def _object_path(self, bucket_name: str, file_name: str) -> str:
        return f"{bucket_name}/{file_name.encode().hex()}"

    def _write_config_to_file(self) -> None:
        return


class _Paged(Response):  # type: ignore[misc]
    def __init__(self, handler: Any, query: dict[str, list[str]]) -> None:
        super().__init__(handler)
        self._token = query.get("pageToken", [""])[0]
        self._most = min(int(query.get("maxResults", ["1000"])[0]), 1000)

    def json(self, obj: dict[str, Any]) -> None:
        """Items and prefixes together in order, so many of them from the token on."""
        found = [(item["name"].encode().hex(), item) for item in obj.get("items", [])]
        found += [(prefix.encode().hex(), prefix) for prefix in obj.get("prefixes", [])]
        left = sorted((each for each in found if each[0] > self._token), key=lambda each: each[0])
        page = [each for _, each in left[: self._most]]
        obj["items"] = [each for each in page if not isinstance(each, str)]
        obj["prefixes"] = [each for each in page if isinstance(each, str)]
        if len(left) > self._most:
            obj["nextPageToken"] = left[self._most - 1][0]
        super().json(obj)


class _Handler(RequestHandler):  # type: ignore[misc]
    def do_GET(self) -> None:  # noqa: N802  # names of http.server
        request = Request(self, "GET")
        listing = re.fullmatch(r"/storage/v1/b/(?P<bucket_name>[-.\w]+)/o", request.path)
        if not listing:
            super().do_GET()
            return
        request.set_match(listing)
        response = _Paged(self, request.query)
        objects.ls(request, response, self.storage)
        response.close()

    def do_POST(self) -> None:  # noqa: N802
        self._conditionally(super().do_POST)

    def do_PUT(self) -> None:  # noqa: N802
        self._conditionally(super().do_PUT)

    def _conditionally(self, handle: Any) -> None:
        self.storage.free_only = "ifGenerationMatch=0" in self.path
        try:
            handle()
        except _PreconditionFailed:
            self._refuse()

    def _refuse(self) -> None:
        reason = {"domain": "global", "reason": "conditionNotMet", "message": "a precondition does not hold"}
        body = json.dumps({"error": {"code": 412, "message": reason["message"], "errors": [reason]}}).encode()
        self.send_response(412)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return
