"""The page about the API names all of its routes and shapes."""

from pathlib import Path

from producers.http import routes
from tests.support.console import Console


def test_every_route_and_every_shape_is_on_the_page(tmp_path: Path) -> None:
    said = Console(tmp_path).browser.get("/api").text
    document = routes.document()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> {path}<" in said
    for name in document["components"]["schemas"]:
        assert f'id="shape-{name}"' in said
    assert all(f'id="{part.split(chr(34))[0]}"' in said for part in said.split('href="#')[1:])
