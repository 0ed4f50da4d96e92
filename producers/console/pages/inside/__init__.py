"""Look inside: what a backup holds, object by object and file by file."""

from starlette.routing import BaseRoute

from producers.console.needs import Needs
from producers.console.pages.inside import comparing, files, history, objects
from producers.console.routing import form, page

PLACE = "/snapshots/inside"


def routes(_: Needs) -> list[BaseRoute]:
    """See the module. None of them is below a page whose name somebody else gives."""
    return [
        page("/snapshots/inside/{name}", objects.tree),
        page("/snapshots/inside/{name}/object", objects.show),
        page("/snapshots/inside/{name}/yaml", objects.download),
        form("/snapshots/inside/{name}/reveal", objects.reveal, "reveal"),
        page("/snapshots/inside/{name}/files", files.show),
        page("/snapshots/inside/{name}/file", files.download, "download"),
        page("/snapshots/inside/{name}/zip", files.download_zip, "download"),
        page("/snapshots/inside/{name}/history", history.of_object),
        page("/snapshots/inside/{name}/file-history", history.of_file),
        page("/snapshots/compare", comparing.show),
    ]
