"""The destinations of a process: each is opened when it is wanted, which takes a while."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from workers.ports import ObjectStore, Repository


class Opened(Mapping[str, tuple[ObjectStore, Repository]]):
    """By name. `open_` opens one."""

    def __init__(self, open_: Callable[[str], tuple[ObjectStore, Repository]], names: Sequence[str]) -> None:
        self._open, self._names = open_, names
        self._there: dict[str, tuple[ObjectStore, Repository]] = {}

    def __getitem__(self, name: str) -> tuple[ObjectStore, Repository]:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._there:
            self._there[name] = self._open(name)
        return self._there[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
