"""What the Python code of a function asks of its environment, read without running it.

Code runs if it is at the top of a module that the handler imports, or in a function whose name such code mentions. A
variable is needed where its absence raises: ``os.environ["X"]``, or a helper that raises, outside ``try`` and ``if``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

MAX_MODULES, MAX_SOURCE = 300, 1024 * 1024
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAYBE = (ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.While, ast.ExceptHandler, ast.Lambda)
_CAUGHT_NAMES = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})
_OPTIONAL = ("get", "pop", "setdefault", "getenv")
Read = Callable[[str], str | None]


@dataclass
class Program:
    """The modules of a function, and what they read.

    Attributes:
        needed: variables whose absence raises.
        mentioned: every text in the code.
        asked: variables that are read in whatever way.
        handlers: names at the top of the handler's module; ``None`` where something else may add to them.
    """

    needed: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    handlers: set[str] | None = None


def program_of(module: str, handler: str, read: Read) -> Program | None:
    """Read the code of a function.

    Args:
        module: path of the handler's module without suffix, e.g. ``app/handler``.
        handler: name of the function in it.
        read: returns the text of a file of the package, or ``None``.

    Returns:
        What the code reads; ``None`` when a part of it cannot be read.
    """
    trees = _load(module, read)
    if trees is None:
        return None
    texts = {
        node.value
        for tree in trees.values()
        for node in _walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    program = Program(mentioned=texts, handlers=_names_in(trees[module]))
    helpers = _helpers(trees.values())
    for part in _reached(list(trees.values()), handler):
        program.needed |= set(_needs(part, helpers))
    guarded = {name for tree in trees.values() for name in _guarded(tree)}
    program.asked = program.needed | {name for tree in trees.values() for name in _asked(tree)}
    program.needed -= guarded
    return program


_parse = lru_cache(maxsize=2 * MAX_MODULES)(ast.parse)  # the functions of an app share most of their modules


@lru_cache(maxsize=20 * MAX_MODULES)
def _walk(top: ast.AST) -> list[ast.AST]:
    """Return a node with all below it, as `ast.walk` does in three times the time."""
    found = [top]
    for node in found:
        for value in [getattr(node, name, None) for name in node._fields]:
            found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST)]
    return found


def _load(module: str, read: Read) -> dict[str, ast.Module] | None:
    """Parse the handler's module and those of the package that it imports, by path without suffix."""
    found: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        text = read(f"{name}.py")
        text = read(f"{name}/__init__.py") if text is None else text
        if text is None:
            if name == module:
                return None
            continue
        try:
            found[name] = _parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if len(found) > MAX_MODULES:
            return None
        waiting += _imports(found[name], name)
    return found


def _imports(tree: ast.Module, name: str) -> Iterator[str]:
    """Yield the paths that a module may import; most of them are of other packages."""
    folder = name.split("/")[:-1]
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.replace(".", "/")
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            parts = [*base, *(node.module.split(".") if node.module else [])]
            yield "/".join(parts)
            for alias in node.names:
                yield "/".join([*parts, alias.name])


def _names_in(tree: ast.Module) -> set[str] | None:
    names: set[str] = set()
    for node in _walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    dynamic = {"*", "globals", "__getattr__"} & (names | set(_mentions(tree)))
    return None if dynamic else names


def _reached(trees: list[ast.Module], handler: str) -> list[ast.AST]:
    """Return the code that runs: module by module what is at the top, and definitions whose names occur in it."""
    definitions: dict[str, list[ast.AST]] = {}
    reached: list[ast.AST] = []
    for tree in trees:
        for node in _walk(tree):
            if isinstance(node, _DEFINITIONS):
                definitions.setdefault(node.name, []).append(node)
        reached += [node for node in tree.body if not isinstance(node, _DEFINITIONS)]
    names, known = [handler, *(name for part in reached for name in _mentions(part))], set[str]()
    while names:
        name = names.pop()
        if name in known:
            continue
        known.add(name)
        for node in definitions.get(name, ()):
            body = [part for part in ast.iter_child_nodes(node) if not isinstance(part, _FUNCTIONS)]
            reached += body
            names += [mentioned for part in body for mentioned in _mentions(part)]
            names += [
                part.name for part in ast.iter_child_nodes(node) if isinstance(part, _FUNCTIONS) and _special(part)
            ]
    return reached


def _special(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return method.name.startswith("__")


def _mentions(part: ast.AST) -> Iterator[str]:
    for node in _walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _needs(part: ast.AST, helpers: dict[str, int]) -> Iterator[str]:
    """Yield the variables that a piece of code needs, without what it does only under a condition."""
    if isinstance(part, (*_MAYBE, *_FUNCTIONS)) or (isinstance(part, ast.Try) and _catches(part)):
        return
    key: ast.expr | None = None
    if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Load) and _is_environment(part.value):
        key = part.slice
    elif isinstance(part, ast.Call):
        at = helpers.get(_called(part))
        key = part.args[at] if at is not None and len(part.args) == at + 1 and not part.keywords else None
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        yield key.value
    for child in ast.iter_child_nodes(part):
        yield from _needs(child, helpers)


def _catches(part: ast.Try) -> bool:
    """Tell whether a missing variable would be caught."""
    return any(
        handler.type is None or not _CAUGHT_NAMES.isdisjoint(_mentions(handler.type)) for handler in part.handlers
    )


def _guarded(tree: ast.Module) -> Iterator[str]:
    """Yield the variables that code sets, has a default for, or asks whether they are there."""
    for node in _walk(tree):
        keys: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and _is_environment(node.value):
            keys = [node.slice]
        elif isinstance(node, ast.Compare) and any(map(_is_environment, node.comparators)):
            keys = [node.left]
        elif isinstance(node, ast.Call) and _called(node) in _OPTIONAL:
            keys = node.args[:1]
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _asked(tree: ast.Module) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _OPTIONAL and node.args and _is_asked(node, set()):
            key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def _helpers(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Return functions that raise when the variable is missing that one of their arguments names, with its position."""
    functions = [node for tree in trees for node in _walk(tree) if isinstance(node, _FUNCTIONS)]
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
    raises = any(isinstance(node, ast.Raise) for node in _walk(function))
    for node in _walk(function):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and (_is_environment(node.value) or _is_passed(node.value, names)):
            key = node.slice
        elif isinstance(node, ast.Call) and _called(node) in _OPTIONAL and raises and node.args:
            key = node.args[0] if _is_asked(node, names) else None
        elif isinstance(node, ast.Call) and len(node.args) == known.get(_called(node), -2) + 1:
            key = node.args[-1]
        if isinstance(key, ast.Name):
            yield key.id


def _is_asked(call: ast.Call, names: set[str]) -> bool:
    where = call.func.value if isinstance(call.func, ast.Attribute) else None
    of_environment = where is not None and (_is_environment(where) or _is_passed(where, names))
    return of_environment or _called(call) == "getenv"


def _is_passed(value: ast.expr, names: set[str]) -> bool:
    """Tell whether a mapping is an argument that is called like an environment."""
    return isinstance(value, ast.Name) and value.id in names and value.id.startswith("env")


def _is_environment(value: ast.expr) -> bool:
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name == "environ"


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
