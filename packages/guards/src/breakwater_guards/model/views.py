"""Models derived from an assembly, built once: a graph or an index that several rules share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from breakwater_guards.model.template import Surroundings

View = TypeVar("View")


def view(app: Surroundings, build: Callable[[Any], View]) -> View:
    """Return what ``build`` makes of an assembly; the first call makes it, later ones return the same object."""
    if build not in app.views:
        app.views[build] = build(app)
    made: View = app.views[build]
    return made
