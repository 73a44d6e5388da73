"""Physical names and tags that distinguish one deployment from another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.tags import environment_meant, inherited_tag, physical_name, root_of, tag_of, words_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.reading.files import mapping
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

NAMES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"
TAGGING = "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html"


@rule(
    "DR-HYGIENE-01",
    title="Physical names carry the deployment's suffix",
    outcome=Outcome.POLICY,
    prevents=(
        "… already exists in stack … (the second deployment in the account fails), or CloudFormation cannot update a "
        "stack when a custom-named resource requires replacing"
    ),
    fix="Put the value of the Suffix tag into the name, or leave the name out and let CloudFormation make one.",
    sources=(NAMES,),
    data="physical_names",
)
def names_carry_the_suffix(app: Assembly) -> Iterator[Breach]:
    """Find a literal name without the value of the `Suffix` tag of its resource or stack; no such tag, no finding."""
    for resource in app.of_type(*facts("physical_names")["properties"]):
        named = physical_name(resource)
        suffix = inherited_tag(resource, "suffix") if named else None
        if named and suffix and "".join(words_of(suffix)) not in "".join(words_of(named[1])):
            yield breach(
                resource, named[0], f"{show(resource.get(named[0]))} does not contain the suffix {show(suffix)}."
            )


@rule(
    "DR-HYGIENE-02",
    title="Tags and names state the same environment",
    outcome=Outcome.POLICY,
    prevents="No error is reported: backup selections and clean-up scripts take production for a test, or the reverse",
    fix="Take the Environment tag and the names from one setting, e.g. Tags.of(app).add('Environment', …).",
    sources=(TAGGING,),
    data="physical_names",
)
def environments_agree(app: Assembly) -> Iterator[Breach]:
    """Find two environments among the tags of one tree of stacks, or a name with `prod` in it that is tagged `dev`."""
    tagged: dict[str, list[tuple[Resource, str]]] = {}
    for template in app.templates.values():
        for resource in template.resources.values():
            environment = tag_of(resource, "environment")
            if environment is not None and environment_meant(environment) is not None:
                tagged.setdefault(root_of(template).key, []).append((resource, environment))
    for resources in tagged.values():
        usual = Counter(environment_meant(environment) for _, environment in resources).most_common(1)[0][0]
        for resource, environment in resources:
            if environment_meant(environment) != usual:
                message = f"tagged Environment {show(environment)}; the other resources of the stacks are {usual}."
                yield breach(resource, "Tags", message)
    yield from _contradicting_names(app)


@rule(
    "DR-HYGIENE-16",
    title="Names tell deployments apart, as the names beside them do",
    outcome=Outcome.POLICY,
    prevents="… already exists in stack …: the second environment, or the stack of a second Region, collides with the "
    "one name that is fixed; CloudFormation cannot update a stack when a custom-named resource requires replacing",
    fix="Put into the name what the others have in theirs, e.g. ${Environment} or ${AWS::StackName}; into a name that "
    "is global also ${AWS::AccountId} and ${AWS::Region}; or leave it out.",
    sources=(
        NAMES,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html",
    ),
    data="physical_names",
)
def names_tell_deployments_apart(app: Assembly) -> Iterator[Breach]:
    """Find a fixed name beside two that differ by deployment, one that is global, one of what each change replaces."""
    known = facts("physical_names")
    for template in app.templates.values():
        if template.key != template.file:
            continue
        named = [
            (resource, path, resource.body["Properties"][path])
            for resource in template.resources.values()
            if (path := _path(resource)) and path in mapping(resource.body.get("Properties"))
        ]
        varying = [resource for resource, _, raw in named if _varies(template, raw)]
        for resource, path, raw in named:
            name = resource.get(path)
            if not isinstance(name, str) or not name or resource in varying or "{{resolve:" in name:
                continue
            if resource.type in known["replaced"]:
                message = f"{show(name)}: each change replaces it, and a name cannot be taken twice; allowed: none."
                yield breach(resource, path, message)
            elif len(varying) > 1 or any(other.type == resource.type for other in varying):
                others = " and ".join(other.logical_id for other in varying[:2])
                yield breach(resource, path, f"{show(name)} is fixed; the names of {others} tell deployments apart.")
            elif (
                template.region is None
                and resource.type in known["global"]
                and not _has_place(name)
                and raw == name
                and not _is_tagged(resource)
            ):
                message = f"{show(name)} is fixed, and names of {resource.type} are {known['global'][resource.type]}."
                yield breach(resource, path, message)


def _is_tagged(resource: Resource) -> bool:
    """Tell whether a suffix is known, for which there is a rule of its own."""
    return inherited_tag(resource, "suffix") is not None


def _path(resource: Resource) -> str | None:
    known = facts("physical_names")
    found: str | None = known["properties"].get(resource.type) or known["replaced"].get(resource.type)
    return found


def _varies(template: Template, raw: Any) -> bool:
    """Tell whether a name has a parameter or the stack's name in it."""
    if isinstance(raw, list):
        return any(_varies(template, item) for item in raw)
    if isinstance(raw, dict):
        return raw.get("Ref") in (*template.parameters, "AWS::StackName", "AWS::StackId") or any(
            _varies(template, item) for item in raw.values()
        )
    return isinstance(raw, str) and any(
        name.strip().split(".")[0] in (*template.parameters, *template.resources, "AWS::StackName")
        for name in _PLACEHOLDER.findall(raw)
    )


def _has_place(name: str) -> bool:
    """Tell whether a literal name says an environment, an account or a Region already."""
    return any(character.isdigit() for character in name) or any(map(environment_meant, words_of(name)))


_PLACEHOLDER = re.compile(r"\$\{([^!${}][^${}]*)\}")


def _contradicting_names(app: Assembly) -> Iterator[Breach]:
    known = facts("physical_names")
    for resource in app.of_type(*known["properties"]):
        named = physical_name(resource)
        environment = inherited_tag(resource, "environment") if named else None
        if not named or not environment or environment_meant(environment) is None:
            continue
        named_for = {meant for word in words_of(named[1]) if (meant := environment_meant(word)) is not None}
        if environment_meant(environment) not in named_for and named_for.intersection(known["environments_in_names"]):
            message = f"{show(resource.get(named[0]))} in a stack tagged Environment {show(environment)}."
            yield breach(resource, named[0], message)
