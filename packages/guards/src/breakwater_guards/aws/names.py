"""Names that are written by hand where a resource of the application is meant, and are nearly its name."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.tags import words_of
from breakwater_guards.facts import facts
from breakwater_guards.model.applications import application_of, same_application
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT
from breakwater_guards.model.views import view

ALIKE = 0.85
_MANY, _FEW = 10, 4  # of a list that is longer than the first, the second are named


def named(app: Assembly, near: Template, *kinds: str, path: str = "") -> Iterator[tuple[str, Resource]]:
    """Yield the physical names of an application's resources, with ``*`` for what is open; empty for a generated name.

    Args:
        app: where to look.
        near: a template of the application.
        kinds: CloudFormation types that count.
        path: the property that names them, where it is not the usual one.
    """
    yield from _known(app, near, kinds, path)[0]


def _known(app: Assembly, near: Template, kinds: tuple[str, ...], path: str) -> _Names:
    """Return names with their resources, and the names that are stated; read once for each application."""
    index = view(app, _index)
    key = (application_of(near), kinds, path)
    if key not in index:
        found = list(_read(app, near, kinds, path))
        index[key] = found, {name for name, _ in found if name}
    return index[key]


_Names = tuple[list[tuple[str, Resource]], set[str]]


def _index(_: Assembly) -> dict[tuple[str, tuple[str, ...], str], _Names]:
    return {}


def _read(app: Assembly, near: Template, kinds: tuple[str, ...], path: str) -> Iterator[tuple[str, Resource]]:
    properties = facts("physical_names")
    for resource in app.of_type(*kinds):
        usual = properties["properties"].get(resource.type) or properties["other_properties"].get(resource.type)
        if same_application(near, resource.template) and (path or usual):
            for value in resource.options(path or usual):
                yield "" if value is ABSENT else pattern_of(value), resource


def misnamed(app: Assembly, near: Template, text: str, *kinds: str, path: str = "") -> str | None:
    """Return what is right where a name is a logical id, or nearly that of a resource; ``None`` where it may be one.

    Args:
        app: where to look.
        near: the template that says the name.
        text: the name, with ``*`` for what is open.
        kinds: CloudFormation types that it can be of.
        path: the property that names them, where it is not the usual one.
    """
    found, names = _known(app, near, kinds, path)
    if len(text.strip("*")) < 3 or text in names or "*" in names:
        return None
    for name, resource in found:
        if resource.logical_id == text and resource.template is near:
            return name or f"the name of {text}, which CloudFormation makes"
    place = {near.region or "*", near.account or "*", "*"}
    cut = [name for name in names if name.startswith(text) and name[len(text) :].lstrip("-_.") in place]
    reordered = cut or [name for name in names if sorted(words_of(name)) == sorted(words_of(text))]
    reordered = reordered or [name for name in names if _lacks_one(words_of(text), words_of(name))]
    return next(iter(reordered or get_close_matches(text, names, 1, ALIKE)), None)


def _lacks_one(words: list[str], of: list[str]) -> bool:
    """Tell whether some words, of which there are several, are those of a name in its order, without one of them."""
    least = 3
    return len(words) >= least and any(words == [*of[:at], *of[at + 1 :]] for at in range(len(of)))


def some_of(allowed: list[str], given: str) -> str:
    """Return what is allowed, as text; of a long list what is spelled most like the given."""
    short = allowed if len(allowed) <= _MANY else get_close_matches(given, allowed, _FEW, 0)
    return ", ".join([*short, "…"] if len(short) < len(allowed) else short)
