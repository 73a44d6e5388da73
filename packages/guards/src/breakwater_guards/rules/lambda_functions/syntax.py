"""Expressions of Python code that read the environment, by whatever function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from breakwater_guards.rules.lambda_functions.glance import MAX_MODULES

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OPTIONAL = ("get", "pop", "setdefault", "getenv")


@lru_cache(maxsize=20 * MAX_MODULES)
def walk(top: ast.AST) -> list[ast.AST]:
    """Return a node with all below it, as `ast.walk` does in three times the time."""
    found = [top]
    for node in found:
        for value in [getattr(node, name, None) for name in node._fields]:
            found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST)]
    return found


def mentions(part: ast.AST) -> Iterator[str]:
    """Yield the names and attributes that a piece of code mentions."""
    for node in walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def guarded(tree: ast.Module) -> Iterator[str]:
    """Yield the variables that code sets, has a default for, or asks whether they are there."""
    for node in walk(tree):
        keys: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and is_environment(node.value):
            keys = [node.slice]
        elif isinstance(node, ast.Compare) and any(map(is_environment, node.comparators)):
            keys = [node.left]
        elif isinstance(node, ast.Call) and called(node) in _OPTIONAL:
            keys = node.args[:1]
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def asked(tree: ast.Module) -> Iterator[str]:
    """Yield the variables that code reads with a default, or may find missing."""
    for node in walk(tree):
        if isinstance(node, ast.Call) and called(node) in _OPTIONAL and node.args and _is_asked(node, set()):
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def helpers_of(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Return functions that raise when the variable is missing that one of their arguments names, with its position."""
    functions = [node for tree in trees for node in walk(tree) if isinstance(node, _FUNCTIONS)]
    found: dict[str, int] = {}
    size = -1
    while size != len(found):
        size = len(found)
        for function in functions:
            names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
            for key in _keys(function, set(names), found):
                if key in names:
                    found.setdefault(function.name, names.index(key))
    return found


def _keys(function: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str], known: dict[str, int]) -> Iterator[str]:
    """Yield the arguments of a function that it takes for the name of a variable that must be there."""
    raises = any(isinstance(node, ast.Raise) for node in walk(function))
    for node in walk(function):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and (is_environment(node.value) or _is_passed(node.value, names)):
            key = node.slice
        elif isinstance(node, ast.Call) and called(node) in _OPTIONAL and raises and node.args:
            key = node.args[0] if _is_asked(node, names) else None
        elif isinstance(node, ast.Call) and len(node.args) == known.get(called(node), -2) + 1:
            key = node.args[-1]
        if isinstance(key, ast.Name):
            yield key.id


def _is_asked(call: ast.Call, names: set[str]) -> bool:
    where = call.func.value if isinstance(call.func, ast.Attribute) else None
    of_environment = where is not None and (is_environment(where) or _is_passed(where, names))
    return of_environment or called(call) == "getenv"


def _is_passed(value: ast.expr, names: set[str]) -> bool:
    """Tell whether a mapping is an argument that is called like an environment."""
    return isinstance(value, ast.Name) and value.id in names and value.id.startswith("env")


def is_environment(value: ast.expr) -> bool:
    """Tell whether an expression is the environment of the process."""
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name == "environ"


def called(call: ast.Call) -> str:
    """Return the name of the function that a call is of, without what stands before it."""
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
