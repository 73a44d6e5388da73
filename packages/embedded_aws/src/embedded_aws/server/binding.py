"""Functions and tables of ministack by name: what has moved since a name was written down is found before any use."""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

_functions: list["Function"] = []
_missing: list[str] = []


class Function:
    """A function of ministack that is called or wrapped here.

    Args:
        module: its module, below `ministack`.
        name: its name there.
        parameters: the names of its parameters, in order.
    """

    def __init__(self, module: str, name: str, *parameters: str) -> None:
        self._module = import_module(f"ministack.{module}")
        self._name = name
        self._parameters = parameters
        _functions.append(self)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call ministack's function as it now is."""
        return getattr(self._module, self._name)(*arguments, **keywords)

    def wrap(self, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Replace the function in its module by `wrapper(function)`."""
        setattr(self._module, self._name, wrapper(getattr(self._module, self._name)))

    def incompatibility(self) -> str | None:
        """Return what differs from what is expected, in one sentence; None when nothing does."""
        found = getattr(self._module, self._name, None)
        if found is None:
            return f"{self._module.__name__}.{self._name} is gone"
        parameters = tuple(inspect.signature(found).parameters)
        if parameters != self._parameters:
            return f"{self._module.__name__}.{self._name} takes {parameters} instead of {self._parameters}"
        return None


def table(module: str, name: str) -> Any:
    """Return a table of ministack that is read or filled here; None when it is gone."""
    found = getattr(import_module(f"ministack.{module}"), name, None)
    if found is None:
        _missing.append(f"ministack.{module}.{name} is gone")
    return found


def moved() -> Iterator[str]:
    """Return what ministack no longer has, or has in another form, one sentence for each."""
    yield from _missing
    yield from filter(None, (function.incompatibility() for function in _functions))
