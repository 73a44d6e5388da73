"""References without a target, inside a template and between a stack and its nested stacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.tags import root_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template
from breakwater_guards.model.transforms import may_change
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.hygiene.reference_graph import (
    ATTRIBUTE,
    CONDITION,
    DEPENDENCY,
    MAPPING,
    REF,
    Naming,
    is_written_out,
    namings_of,
)

PSEUDO = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId",
        "NoValue",
        "NotificationARNs",
        "Partition",
        "Region",
        "StackId",
        "StackName",
        "URLSuffix",
    )
)
OUTPUT = "Outputs."
MAX_SHOWN = 5
TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
NESTED_STACKS = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html"


@rule(
    "DR-HYGIENE-04",
    title="Outputs of nested stacks are used or passed on",
    outcome=Outcome.POLICY,
    prevents="No error is reported: the value is not among the outputs of the root stack, where scripts look for it",
    fix="Pass the output on in the parent, show it in the root's Outputs (a CfnOutput of the root stack), or drop it.",
    sources=(NESTED_STACKS,),
)
def nested_outputs_are_used(app: Assembly) -> Iterator[Breach]:
    """Find outputs that a parent neither passes on nor shows and that are not exported; once for a tree of stacks."""
    used: set[tuple[str, str]] = set()
    for (parent, logical_id), child in app.children.items():
        for naming in namings_of(app.templates[parent]):
            if naming.name != logical_id or naming.kind not in (REF, ATTRIBUTE):
                continue
            # Whoever has the stack's id, or asks for an output that only the deployment names, can read all of them.
            names = child.outputs if naming.attribute is None else [naming.attribute.removeprefix(OUTPUT)]
            used.update((child.file, name) for name in names)
    unused: dict[str, list[tuple[Template, str]]] = {}
    for (_, logical_id), child in app.children.items():
        if child.key != child.file:
            continue  # a template that several stacks share is judged once
        for name, output in child.outputs.items():
            if (child.file, name) not in used and not (isinstance(output, dict) and "Export" in output):
                unused.setdefault(root_of(child).key, []).append((child, f"{logical_id}.{name}"))
    for root, outputs in unused.items():
        shown = ", ".join(name for _, name in outputs[:MAX_SHOWN])
        more = f" and {len(outputs) - MAX_SHOWN} more" if len(outputs) > MAX_SHOWN else ""
        message = f"no stack passes on or shows {shown}{more}, of the stacks nested in {app.templates[root].file}."
        yield Breach(template=outputs[0][0], resource=None, path="", message=message)


@rule(
    "DR-HYGIENE-05",
    title="Every reference has a target",
    outcome=Outcome.REFUSED,
    prevents=(
        "Template format error: Unresolved resource dependencies [X] in the Resources block of the template / "
        "Output 'X' not found in stack"
    ),
    fix="Correct the name, or declare what it names.",
    sources=(
        f"{TEMPLATES}/intrinsic-function-reference-ref.html",
        f"{TEMPLATES}/intrinsic-function-reference-getatt.html",
        NESTED_STACKS,
    ),
)
def names_lead_somewhere(app: Assembly) -> Iterator[Breach]:
    """Find a reference, condition, mapping or output of a nested stack that does not exist."""
    for template in app.templates.values():
        if template.key != template.file or not is_written_out(template):
            continue
        told = set()
        for naming in namings_of(template):
            missing = _missing(template, naming)
            key = (naming.owner or naming.path, missing)
            if missing and key not in told:  # once for a resource, however often it says the name
                told.add(key)
                owner = template.resources.get(naming.owner)
                where = f"{naming.path}: " if owner is None else ""
                path = naming.path if owner is not None else ""
                yield Breach(template=template, resource=owner, path=path, message=f"{where}{missing}.")


@rule(
    "DR-HYGIENE-06",
    title="A nested stack is given exactly the parameters that it declares",
    outcome=Outcome.REFUSED,
    prevents="Parameters: [X] must have values / Parameters: [X] do not exist in the template (ValidationError)",
    fix="Pass each parameter that has no default, and none that the nested template does not declare.",
    sources=(NESTED_STACKS, f"{TEMPLATES}/aws-resource-cloudformation-stack.html"),
)
def nested_parameters_match(app: Assembly) -> Iterator[Breach]:
    """Find a parameter without a default that the parent omits, or one that the nested template does not have."""
    for (parent, logical_id), child in app.children.items():
        stack = app.templates[parent].resources[logical_id]
        properties = stack.body.get("Properties")
        passed: Any = properties.get("Parameters", {}) if isinstance(properties, dict) else {}
        if not isinstance(passed, dict) or any(key.startswith("Fn::") for key in passed) or may_change(child):
            continue
        for name in passed:
            if name not in child.parameters:
                yield breach(stack, f"Parameters.{name}", f"{child.file} declares no parameter {name}.")
        for name, declared in child.parameters.items():
            if name not in passed and not (isinstance(declared, dict) and "Default" in declared):
                yield breach(stack, "Parameters", f"{name} of {child.file} has no default and is not passed.")


def _missing(template: Template, naming: Naming) -> str | None:
    """Say what a name should be and is not, or ``None`` when it has a target."""
    name, kind = naming.name, naming.kind
    if kind == REF and not (name in template.parameters or name in template.resources or name in PSEUDO):
        return f"{name} is neither a parameter nor a resource of this template"
    if kind in (ATTRIBUTE, DEPENDENCY) and name not in template.resources:
        return f"{name} is no resource of this template"
    if kind == CONDITION and name not in template.conditions:
        return f"{name} is no condition of this template"
    if kind == MAPPING and name not in template.mappings:
        return f"{name} is no mapping of this template"
    child = template.child(name) if kind == ATTRIBUTE else None
    attribute = naming.attribute or ""
    if child is not None and attribute.startswith(OUTPUT) and not may_change(child):
        output = attribute.removeprefix(OUTPUT)
        left_out = output in child.outputs and _left_out(template, naming, child, output)
        if output not in child.outputs or left_out:
            under = " with these parameters" if left_out else ""
            return f"{child.file}, the template of {name}, has no output {output}{under}"
    return None


def _left_out(template: Template, naming: Naming, child: Template, output: str) -> bool:
    """Tell whether a condition that is certainly false leaves out an output that a resource always reads."""
    owner = template.resources.get(naming.owner)
    body = child.outputs[output]
    condition = body.get("Condition") if isinstance(body, dict) else None
    if template.parent is not None or owner is None or "Fn::If" in owner.text:
        return False
    return owner.exists and not child.conditions_hold(condition)
