"""A property that is worked out when it is first asked for, by whoever asks.

`functools.cached_property` of Python 3.11 holds one lock for all objects of a class while it works: where a store is
asked meanwhile, the threads of all jobs would wait for the slowest. Here two threads that ask one object both work."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  # a decorator, as `property`
    """For objects with a `__dict__`, which keeps what came out. What is raised is not kept."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, one: None, owner: type) -> "once[T]": ...
    @overload
    def __get__(self, one: object, owner: type) -> T: ...
    def __get__(self, one: object | None, owner: type) -> "once[T] | T":
        if one is None:
            return self
        found: T = vars(one).setdefault(self._name, self._work(one))
        return found
