"""What the text of Python code shows without taking it apart: imports, texts, and variables that it may need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from string import ascii_letters, digits

MAX_MODULES = 300
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([.\w]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)
_DIRECT = re.compile(r"""environ\s*[\[,]\s*["'](\w+)["']""")
_READ = re.compile(r"""(?:environ\s*\.\s*\w+|getenv)\s*\(\s*["'](\w+)["']""")
_ARGUMENT = re.compile(r"""\s*(?:[\w.]+\s*,\s*)?["'](\w+)["']""")
_OF_NAMES = f"{ascii_letters}{digits}_"
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+", re.MULTILINE)
_CONDITION = re.compile(r"^[ \t]*(?:if|elif|while)\b.*:[ \t]*$", re.MULTILINE)
_LITERAL = re.compile(r"""["']([\w./%-]+)["']""")
Read = Callable[[str], str | None]


def texts_of(module: str, read: Read) -> dict[str, str]:
    """Return the texts of the handler's module and those that it imports, by path without suffix."""
    found: dict[str, str] = {}
    waiting, seen = [module], set[str]()
    while waiting and len(found) < MAX_MODULES:
        name = waiting.pop()
        text = None if name in seen else read(f"{name}.py") or read(f"{name}/__init__.py")
        seen.add(name)
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
    top, *definitions = _DEFINITION.split(joined)
    arguments, helpers = list(_calls(top)), set[str]()
    calls: dict[str, set[str]] = {}
    for definition in definitions:
        name = definition.partition("(")[0].strip()
        made = list(_calls(definition))
        arguments += made
        calls.setdefault(name, set()).update(called for called, _ in made)
        if "env" in definition:
            helpers.add(name)
    while more := {name for name, called in calls.items() if name not in helpers and not called.isdisjoint(helpers)}:
        helpers |= more
    given = [_ARGUMENT.match(after) for called, after in arguments if called in helpers]
    return {*_DIRECT.findall(joined), *(argument[1] for argument in given if argument)}


def _calls(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name before a parenthesis, and what comes after it; a regular expression takes three times as long."""
    for before, after in pairwise(text.split("(")):
        name = before[len(before.rstrip(_OF_NAMES)) :]
        if name:
            yield name, after


def reads(text: str) -> set[str]:
    """Return the variables that code asks for by name, needed or not."""
    return {*_READ.findall(text), *_DIRECT.findall(text)}


def literals(text: str) -> set[str]:
    """Return the texts in code that are one word."""
    return set(_LITERAL.findall(text))
