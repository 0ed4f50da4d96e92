"""A process that dies around its nth change of something, before it or after it."""

from typing import Any


class Killed(BaseException):
    """The process dies."""


class Dying:
    """Around the `number`th change of `inner` by one of the `methods`, its process dies; each change counts twice."""

    def __init__(
        self, inner: Any, number: int, methods: tuple[str, ...] = ("put", "create", "delete", "patch")
    ) -> None:
        self._inner, self._left, self._methods = inner, number, methods

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return self._around(method) if name in self._methods else method

    def _around(self, method: Any) -> Any:
        def change(*arguments: Any, **named: Any) -> Any:
            self._die()
            done = method(*arguments, **named)
            self._die()
            return done

        return change

    def _die(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed
