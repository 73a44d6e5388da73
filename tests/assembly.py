"""A synthesized deployment as plain dicts: one synth per settings profile and test run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import build_app
from stacks.names import Names
from stacks.settings import Settings, load_settings
from tests.profiles import PROFILES

ROOT = Path(__file__).resolve().parents[1]
NESTED = ("Kms", "Network", "Monitoring", "Storage", "Database", "Compute", "Backup", "Operations")
Resource = dict[str, Any]
# How an intrinsic function reads when its arguments are rendered.
FORMS = {"Fn::Select": "{1}[{0}]", "Fn::Split": "{1}.split({0})", "Fn::GetAZs": "${{AZs:{0}}}", "Fn::Sub": "{0}"}


@dataclass(frozen=True)
class TemplateView:
    """One template with the queries that assertions need."""

    document: Mapping[str, Any]

    @property
    def resources(self) -> dict[str, Resource]:
        """All resources by logical id."""
        return dict(self.document.get("Resources", {}))

    def of_type(self, kind: str) -> dict[str, Resource]:
        """All resources of a CloudFormation type by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def one(self, kind: str, **properties: Any) -> Resource:
        """The properties of the only resource of a type whose properties have these values."""
        found = [
            resource["Properties"]
            for resource in self.of_type(kind).values()
            if all(resource["Properties"].get(key) == value for key, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} resources of type {kind} with {properties}"
        return dict(found[0])


@dataclass(frozen=True)
class Assembly:
    """Root and nested templates of one deployment."""

    profile: str
    settings: Settings
    folder: Path
    root: TemplateView
    nested: Mapping[str, TemplateView]

    @property
    def names(self) -> Names:
        """Physical names of the deployment."""
        return Names(self.settings.suffix, self.settings.region)

    @property
    def zone_count(self) -> int:
        """Number of Availability Zones, named or not."""
        return len(self.settings.network.zones) or self.settings.network.zone_count

    @property
    def templates(self) -> dict[str, TemplateView]:
        """Every template by the name of its stack, the root as ``Root``."""
        return {"Root": self.root, **self.nested}

    def all_of_type(self, kind: str) -> Iterator[tuple[str, Resource]]:
        """Every resource of a type in any template, as ``Stack/LogicalId`` and resource."""
        for stack, template in self.templates.items():
            for name, resource in template.of_type(kind).items():
                yield f"{stack}/{name}", resource

    def origin(self, stack: str, value: Any) -> tuple[str, str]:
        """Follow a nested stack's parameter to the stack and logical id that it comes from.

        A value such as ``{"Ref": "referencetoBreakwater…"}`` in a nested template is a parameter that the root fills
        with another nested stack's output.
        """
        parameter = value["Ref"]
        given = next(
            resource["Properties"]["Parameters"][parameter]
            for resource in self.root.resources.values()
            if _stack_of(resource) == stack
        )
        source, output = given["Fn::GetAtt"]
        owner = _stack_of(self.root.resources[source])
        exported = self.nested[owner].document["Outputs"][output.removeprefix("Outputs.")]["Value"]
        return owner, exported["Ref"] if "Ref" in exported else exported["Fn::GetAtt"][0]

    def text(self, stack: str, value: Any) -> str:
        """Render a value as one string in which every reference is followed to the resource that it names.

        Args:
            stack: name of the stack whose template holds the value, ``Root`` for the root.
            value: a literal or an intrinsic function.

        Returns:
            The literal parts, with a resource as ``${Stack/Construct}``, its attribute as
            ``${Stack/Construct.Attribute}``, a pseudo parameter as ``${AWS::AccountId}`` and the n-th zone of a region
            as ``${AZs:region}[n]``. Construct paths carry neither environment nor suffix nor hash.
        """
        if not isinstance(value, dict):
            return str(value)
        ((function, argument),) = value.items()
        if function == "Ref":
            return self._resolve(stack, argument, "")
        if function == "Fn::GetAtt":
            return self._resolve(stack, *argument)
        if function == "Fn::Join":
            separator, parts = argument
            return str(separator).join(self.texts(stack, parts))
        return FORMS[function].format(*self.texts(stack, argument if isinstance(argument, list) else [argument]))

    def texts(self, stack: str, values: list[Any]) -> list[str]:
        """Render each value of a list, see :meth:`text`."""
        return [self.text(stack, value) for value in values]

    def plain(self, stack: str, value: Any) -> Any:
        """Copy a value with each intrinsic function rendered as by :meth:`text`: it compares with literals."""
        if isinstance(value, list):
            return [self.plain(stack, item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and next(iter(value)) in {"Ref", "Fn::GetAtt", "Fn::Join", *FORMS}:
            return self.text(stack, value)
        return {key: self.plain(stack, item) for key, item in value.items()}

    def _resolve(self, stack: str, name: str, attribute: str) -> str:
        if name.startswith("AWS::"):
            return f"${{{name}}}"
        template = self.templates[stack]
        if name not in template.resources:
            (nested,) = (made for made in self.root.resources.values() if _stack_of(made) == stack)
            return self.text("Root", nested["Properties"]["Parameters"][name])
        resource = template.resources[name]
        if resource["Type"] == "AWS::CloudFormation::Stack" and attribute:
            owner = _stack_of(resource)
            return self.text(owner, self.nested[owner].document["Outputs"][attribute.removeprefix("Outputs.")]["Value"])
        path = str(resource["Metadata"]["aws:cdk:path"]).split("/", 1)[1]
        path = path.removesuffix("/Resource").removesuffix("/Default")
        return f"${{{path}.{attribute}}}" if attribute else f"${{{path}}}"


def cdk_context() -> dict[str, Any]:
    """The feature flags of ``cdk.json`` and what the CLI adds to them."""
    flags = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {**flags, "aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def synthesize(settings: Settings, profile: str, folder: Path) -> Assembly:
    """Synthesize one deployment into a folder and read its templates back."""
    app, platform = build_app(settings, context=cdk_context(), outdir=str(folder))
    app.synth()
    root = _read(folder / platform.template_file)
    nested = {
        _stack_of(resource): _read(folder / resource["Metadata"]["aws:asset:path"])
        for resource in root.resources.values()
    }
    return Assembly(profile, settings, folder, root, nested)


_MADE: dict[str, Assembly] = {}


def assembly(profile: str) -> Assembly:
    """The assembly of a profile, synthesized at its first use."""
    if profile not in _MADE:
        folder = Path(tempfile.mkdtemp(prefix=f"breakwater-{profile}-"))
        _MADE[profile] = synthesize(load_settings(PROFILES[profile]), profile, folder)
    return _MADE[profile]


def made() -> list[Assembly]:
    """The assemblies that this run has synthesized."""
    return list(_MADE.values())


def _read(path: Path) -> TemplateView:
    return TemplateView(json.loads(path.read_text(encoding="utf-8")))


def _stack_of(resource: Resource) -> str:
    """Name of a nested stack, from the construct path of its resource in the root."""
    return str(resource["Metadata"]["aws:cdk:path"]).split("/")[1].removesuffix(".NestedStack")
