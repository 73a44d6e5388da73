"""Seeded defects: each changes one thing in Breakwater's own synthesized app and must turn exactly its rule red.

Modules are found by name. A mutation is a function that edits a copy of the templates in place::

    @mutation("DR-AURORA-01")
    def retired_version(app: MutableApp) -> None:
        app.properties("AWS::RDS::DBCluster")["EngineVersion"] = "15.6"
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.assembly import Assembly as Synthesized


@dataclass(frozen=True)
class MutableApp:
    """A private copy of every template of one synthesized app, by file name."""

    documents: dict[str, dict[str, Any]]

    @classmethod
    def copy_of(cls, assembly: Synthesized) -> MutableApp:
        """Read the root and nested templates of a synthesized profile anew, which takes less than to copy them."""
        nested = [resource["Metadata"]["aws:asset:path"] for resource in assembly.root.resources.values()]
        files = {"root.template.json": f"{assembly.names.stack}.template.json", **{path: path for path in nested}}
        return cls({name: json.loads((assembly.folder / file).read_bytes()) for name, file in files.items()})

    def template_with(self, kind: str, name: str = "") -> dict[str, Any]:
        """Return the only template that holds a resource of a type whose logical id begins with a name."""
        found = [document for document in self.documents.values() if _matching(document, kind, name)]
        assert len(found) == 1, f"{len(found)} templates hold {kind} {name}"
        return found[0]

    def resources(self, kind: str, name: str = "") -> dict[str, dict[str, Any]]:
        """Return every resource of a type whose logical id begins with a name, by logical id, to be edited in place."""
        return {
            logical_id: resource
            for document in self.documents.values()
            for logical_id, resource in _matching(document, kind, name).items()
        }

    def resource(self, kind: str, name: str = "") -> dict[str, Any]:
        """Return the first resource of a type whose logical id begins with a name."""
        found = self.resources(kind, name)
        assert found, f"no {kind} {name}"
        return next(iter(found.values()))

    def properties(self, kind: str, name: str = "") -> dict[str, Any]:
        """Return the properties of the first resource of a type, to be edited in place."""
        properties: dict[str, Any] = self.resource(kind, name).setdefault("Properties", {})
        return properties

    def remove(self, kind: str, name: str = "") -> None:
        """Delete every resource of a type whose logical id begins with a name."""
        for document in self.documents.values():
            for logical_id in _matching(document, kind, name):
                del document["Resources"][logical_id]

    def add(self, beside: str, logical_id: str, resource: dict[str, Any]) -> None:
        """Add a resource to the template that holds the first resource of type ``beside``."""
        next(d for d in self.documents.values() if _matching(d, beside, ""))["Resources"][logical_id] = resource


def _matching(document: dict[str, Any], kind: str, name: str) -> dict[str, dict[str, Any]]:
    return {
        logical_id: resource
        for logical_id, resource in document.get("Resources", {}).items()
        if resource["Type"] == kind and logical_id.startswith(name)
    }


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One seeded defect.

    Args:
        rule: id of the rule that must turn red, alone.
        name: what is wrong.
        profile: settings profile whose app is changed.
        seed: makes the change.
        judged_as: platform profile under which the rules run.
    """

    rule: str
    name: str
    profile: str
    seed: Callable[[MutableApp], None]
    judged_as: str


_MUTATIONS: list[Mutation] = []


def mutation(
    rule: str, *, profile: str = "prod", judged_as: str = "single-region"
) -> Callable[[Callable[[MutableApp], None]], Callable[[MutableApp], None]]:
    """Declare a mutation over the function below it."""

    def declare(seed: Callable[[MutableApp], None]) -> Callable[[MutableApp], None]:
        _MUTATIONS.append(Mutation(rule=rule, name=seed.__name__, profile=profile, seed=seed, judged_as=judged_as))
        return seed

    return declare


def all_mutations() -> list[Mutation]:
    """Return every declared mutation."""
    if not _MUTATIONS:
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")
    return list(_MUTATIONS)
