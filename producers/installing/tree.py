"""The generated manifests on disk."""

from pathlib import Path

from producers.installing.files import BASE, OVERLAYS_FOLDER, PARTS, files

OURS = (BASE, PARTS, OVERLAYS_FOLDER)
"""Folders in which every manifest is generated."""


def write(deploy: Path) -> int:
    """Writes all below `deploy`, and removes what is no longer there. Returns how many files it wrote."""
    wanted = _wanted(deploy)
    for path in _superfluous(deploy, wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return len(wanted)


def stale(deploy: Path) -> list[Path]:
    """The files that `write` would change, make or remove."""
    wanted = _wanted(deploy)
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    return [*changed, *_superfluous(deploy, wanted)]


def _wanted(deploy: Path) -> dict[Path, str]:
    return {deploy / path: text for path, text in files().items()}


def _superfluous(deploy: Path, wanted: dict[Path, str]) -> list[Path]:
    return [path for folder in OURS for path in sorted((deploy / folder).rglob("*.yaml")) if path not in wanted]
