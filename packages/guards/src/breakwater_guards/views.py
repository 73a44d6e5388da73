"""Models derived from an assembly, built once: a graph or an index that several rules share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from breakwater_guards.template import Assembly

View = TypeVar("View")


def view(app: Assembly, build: Callable[[Assembly], View]) -> View:
    """Return what ``build`` makes of an assembly; the first call makes it, later ones return the same object."""
    if build not in app.views:
        app.views[build] = build(app)
    made: View = app.views[build]
    return made
