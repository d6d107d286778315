"""Laws and noises in other processes, whatever their formulas are made of."""

from __future__ import annotations

from threading import local
from typing import Any, override

# What is being written down, by thread.
_GOING = local()


class Carried:
    """A frozen dataclass of functions that pickle takes along: closures and lambdas too.

    Functions of modules go by their names, all others as they are.
    """

    def remember_hashes(self) -> None:
        """Work out what it is known by, where the text of its functions still lies."""

    @override
    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        going: set[int] = _GOING.__dict__.setdefault("things", set())
        if id(self) in going:  # a function of it asks the thing itself for something
            return super().__reduce_ex__(protocol)
        import cloudpickle

        going.add(id(self))
        try:
            self.remember_hashes()
            # A copy, or a law met again inside would be made of a half-read dictionary.
            return _arrived, (type(self), cloudpickle.dumps({**self.__dict__}, protocol))
        finally:
            going.discard(id(self))


def _arrived(kind: type[Any], written: bytes) -> Any:
    """Put together again what was written down."""
    import cloudpickle

    thing = object.__new__(kind)
    thing.__dict__.update(cloudpickle.loads(written))
    return thing
