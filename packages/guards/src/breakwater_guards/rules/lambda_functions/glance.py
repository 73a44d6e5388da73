"""What the text of Python code shows without taking it apart: imports, texts, and variables that it may need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MAX_MODULES = 300
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([.\w]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)
_DIRECT = re.compile(r"""environ\s*[\[,]\s*["'](\w+)["']""")
_READ = re.compile(r"""(?:environ\s*\.\s*\w+|getenv)\s*\(\s*["'](\w+)["']""")
_CALL = re.compile(r"""\b(\w+)\(\s*(?:[\w.]+\s*,\s*)?["'](\w+)["']""")
_CALLED = re.compile(r"\b(\w+)\(")
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+", re.MULTILINE)
_CONDITION = re.compile(r"^[ \t]*(?:if|elif|while)\b.*:[ \t]*$", re.MULTILINE)
_LITERAL = re.compile(r"""["']([\w./%-]+)["']""")
Read = Callable[[str], str | None]


def texts_of(module: str, read: Read) -> dict[str, str]:
    """Return the texts of the handler's module and those that it imports, by path without suffix."""
    found: dict[str, str] = {}
    waiting = [module]
    while waiting and len(found) < MAX_MODULES:
        name = waiting.pop()
        text = None if name in found else read(f"{name}.py") or read(f"{name}/__init__.py")
        if text is None:
            continue
        found[name] = text
        folder = name.split("/")[:-1]
        for dots, base, names, modules in _IMPORT.findall(text):
            above = folder[: len(folder) - len(dots) + 1] if dots else []
            path = "/".join([*above, *base.split(".")] if base else above)
            words = re.findall(r"[\w.]+", modules or names)
            waiting += (
                [word.replace(".", "/") for word in words] if modules else [path, *(f"{path}/{it}" for it in words)]
            )
    return found


def wanted_by(texts: Iterable[str]) -> set[str]:
    """Return the variables that code may need: more than it does, but none that it needs is left out."""
    joined = _CONDITION.sub("", "\n".join(texts))  # nothing is certain to be needed there
    bodies: dict[str, str] = {}
    for piece in _DEFINITION.split(joined)[1:]:
        name = piece.partition("(")[0].strip()
        bodies[name] = bodies.get(name, "") + piece
    calls = {name: set(_CALLED.findall(body)) for name, body in bodies.items()}
    helpers = {name for name, body in bodies.items() if "env" in body}
    while more := {name for name, called in calls.items() if name not in helpers and not called.isdisjoint(helpers)}:
        helpers |= more
    return {*_DIRECT.findall(joined), *(name for function, name in _CALL.findall(joined) if function in helpers)}


def reads(text: str) -> set[str]:
    """Return the variables that code asks for by name, needed or not."""
    return {*_READ.findall(text), *_DIRECT.findall(text)}


def literals(text: str) -> set[str]:
    """Return the texts in code that are one word."""
    return set(_LITERAL.findall(text))
