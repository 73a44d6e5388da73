"""What the Python code of a function asks of its environment, read without running it.

Code runs if it is at the top of a module that the handler imports, or in a function whose name such code mentions. A
variable is needed where its absence raises: ``os.environ["X"]``, or a helper that raises, outside ``try`` and ``if``.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from breakwater_guards.rules.lambda_functions.glance import MAX_MODULES, Read, literals, reads, texts_of, wanted_by
from breakwater_guards.rules.lambda_functions.syntax import (
    asked,
    called,
    guarded,
    helpers_of,
    is_environment,
    mentions,
    walk,
)

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAYBE = (ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.While, ast.ExceptHandler, ast.Lambda)
_CAUGHT_NAMES = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})


class Program:
    """The modules of a function, and what they read.

    Attributes:
        needed: variables whose absence raises.
        mentioned: every text in the code.
        asked: variables that are read in whatever way.
        handlers: names at the top of the handler's module; ``None`` where something else may add to them.
    """

    def __init__(
        self,
        *,
        needed: Iterable[str] = (),
        mentioned: Iterable[str] = (),
        asked: Iterable[str] = (),
        handlers: set[str] | None = None,
    ) -> None:
        self.needed, self.mentioned, self.asked = set(needed), set(mentioned), set(asked)
        self.handlers = handlers


def program_of(module: str, handler: str, read: Read, known: Collection[str] = ()) -> Program | None:
    """Read the code of a function.

    Args:
        module: path of the handler's module without suffix, e.g. ``app/handler``.
        handler: name of the function in it.
        read: returns the text of a file of the package, or ``None``.
        known: variables that are there: code whose text names no others is not taken apart, which takes ten times as
            long.

    Returns:
        What the code reads; ``None`` when a part of it cannot be read.
    """
    files = texts_of(module, read)
    wanted = wanted_by(files.values())
    if module in files and wanted and wanted <= set(known):
        return _glance(files, module, wanted)
    trees = _load(module, read)
    if trees is None:
        return None
    texts = {
        node.value
        for tree in trees.values()
        for node in walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    program = Program(mentioned=texts, handlers=_names_in(trees[module]))
    helpers = helpers_of(trees.values())
    for part in _reached(list(trees.values()), handler):
        program.needed |= set(_needs(part, helpers))
    may_be_missing = {name for tree in trees.values() for name in guarded(tree)}
    program.asked = program.needed | {name for tree in trees.values() for name in asked(tree)}
    program.needed -= may_be_missing
    return program


def _glance(files: dict[str, str], module: str, wanted: set[str]) -> Program | None:
    """Return what the text of a program shows, whose variables are all there."""
    joined = "\n".join(files.values())
    try:
        handlers = _names_in(_parse(files[module]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return Program(needed=wanted, mentioned=literals(joined), asked=wanted | reads(joined), handlers=handlers)


_parse = lru_cache(maxsize=2 * MAX_MODULES)(ast.parse)  # the functions of an app share most of their modules


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
    for node in walk(tree):
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
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    dynamic = {"*", "globals", "__getattr__"} & (names | set(mentions(tree)))
    return None if dynamic else names


def _reached(trees: list[ast.Module], handler: str) -> list[ast.AST]:
    """Return the code that runs: module by module what is at the top, and definitions whose names occur in it."""
    definitions: dict[str, list[ast.AST]] = {}
    reached: list[ast.AST] = []
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, _DEFINITIONS):
                definitions.setdefault(node.name, []).append(node)
        reached += [node for node in tree.body if not isinstance(node, _DEFINITIONS)]
    names, known = [handler, *(name for part in reached for name in mentions(part))], set[str]()
    while names:
        name = names.pop()
        if name in known:
            continue
        known.add(name)
        for node in definitions.get(name, ()):
            body = [part for part in ast.iter_child_nodes(node) if not isinstance(part, _FUNCTIONS)]
            reached += body
            names += [mentioned for part in body for mentioned in mentions(part)]
            names += [
                part.name for part in ast.iter_child_nodes(node) if isinstance(part, _FUNCTIONS) and _special(part)
            ]
    return reached


def _special(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return method.name.startswith("__")


def _needs(part: ast.AST, helpers: dict[str, int]) -> Iterator[str]:
    """Yield the variables that a piece of code needs, without what it does only under a condition."""
    if isinstance(part, (*_MAYBE, *_FUNCTIONS)) or (isinstance(part, ast.Try) and _catches(part)):
        return
    key: ast.expr | None = None
    if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Load) and is_environment(part.value):
        key = part.slice
    elif isinstance(part, ast.Call):
        at = helpers.get(called(part))
        key = part.args[at] if at is not None and len(part.args) == at + 1 and not part.keywords else None
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        yield key.value
    for child in ast.iter_child_nodes(part):
        yield from _needs(child, helpers)


def _catches(part: ast.Try) -> bool:
    """Tell whether a missing variable would be caught."""
    return any(
        handler.type is None or not _CAUGHT_NAMES.isdisjoint(mentions(handler.type)) for handler in part.handlers
    )
