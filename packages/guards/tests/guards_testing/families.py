"""A parent with a nested stack, and what a condition lets through."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from guards_testing.build import Template, nested, one, resource, template

CHILD = template(
    {"R": resource(P={"Ref": "In"})},
    Parameters={"In": {"Type": "String", "Default": "alone"}, "List": {"Type": "CommaDelimitedList"}},
    Outputs={"Out": {"Value": {"Fn::Sub": "${In}-out"}}, "Id": {"Value": {"Ref": "R"}}, "Broken": "text"},
)

YES: Template = {"Fn::Equals": ["a", "a"]}
NO: Template = {"Fn::Equals": ["a", "b"]}


def family(*, parent: Template | None = None, **parameters: Any) -> Assembly:
    """Return a parent that nests ``child.json``, with a resource that reads its outputs."""
    reader = resource(
        Out={"Fn::GetAtt": ["Child", "Outputs.Out"]},
        Id={"Fn::GetAtt": "Child.Outputs.Id"},
        Missing={"Fn::GetAtt": ["Child", "Outputs.Missing"]},
        Broken={"Fn::GetAtt": ["Child", "Outputs.Broken"]},
    )
    top = template({"Child": nested("child.json", **parameters), "Reader": reader}, **(parent or {}))
    return Assembly({"top.json": top, "child.json": CHILD})


def in_child(assembly: Assembly, key: str = "child.json") -> Resource:
    """Return the resource of the nested stack."""
    return assembly.templates[key].resources["R"]


def arms(condition: Any, **sections: Any) -> list[Any]:
    """Return the possibilities of a choice under a condition."""
    return one({"Fn::If": ["C", "yes", "no"]}, Conditions={"C": condition, "Yes": YES, "No": NO}, **sections).options(
        "P"
    )
