"""A synthesized deployment as plain dicts, cached on disk: the same inputs are synthesized once for all test runs."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

from stacks import profiles
from stacks.names import Names
from stacks.profiles import PROFILES
from stacks.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".local" / "assemblies"
INPUTS = ("app.py", "cdk.json", "environments", "lambda_src", "requirements.txt", "service", "stacks")
# Assemblies of a profile that stay on disk: enough to switch between a few branches.
GENERATIONS = 4
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
        """Return all resources of a CloudFormation type by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def one(self, kind: str, **properties: Any) -> Resource:
        """Return the properties of the only resource of a type whose properties have these values."""
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
        """Yield every resource of a type in any template, as ``Stack/LogicalId`` and resource."""
        for stack, template in self.templates.items():
            for name, resource in template.of_type(kind).items():
                yield f"{stack}/{name}", resource

    def origin(self, stack: str, value: Any) -> tuple[str, str]:
        """Follow a nested stack's parameter to the stack and logical id that it comes from.

        A value such as ``{"Ref": "referencetoBreakwater…"}`` in a nested template is a parameter that the root fills
        with another nested stack's output, or with a parameter of its own.
        """
        parameter = value["Ref"]
        given = next(
            resource["Properties"]["Parameters"][parameter]
            for resource in self.root.resources.values()
            if _stack_of(resource) == stack
        )
        if "Ref" in given:
            return "Root", given["Ref"]
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
            as ``${AZs:region}[n]``. Construct paths carry neither environment nor suffix nor hash, nor the ``Default``
            and ``Resource`` under which a construct keeps its main resource.
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

    def properties(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of every resource of a type in a stack by construct, as :meth:`plain` shows them, without tags."""
        found = {}
        for name, resource in self.nested[stack].of_type(kind).items():
            properties = self.plain(stack, resource["Properties"])
            found[self.text(stack, {"Ref": name})] = {key: properties[key] for key in properties if key != "Tags"}
        return found

    def _resolve(self, stack: str, name: str, attribute: str) -> str:
        if name.startswith("AWS::"):
            return f"${{{name}}}"
        template = self.templates[stack]
        if stack == "Root" and name in template.document.get("Parameters", {}):
            return f"${{{name}}}"
        if name not in template.resources:
            (nested,) = (made for made in self.root.resources.values() if _stack_of(made) == stack)
            return self.text("Root", nested["Properties"]["Parameters"][name])
        resource = template.resources[name]
        if resource["Type"] == "AWS::CloudFormation::Stack" and attribute:
            owner = _stack_of(resource)
            return self.text(owner, self.nested[owner].document["Outputs"][attribute.removeprefix("Outputs.")]["Value"])
        path = "/".join(part for part in _path(resource)[1:] if part != "Default").removesuffix("/Resource")
        return f"${{{path}.{attribute}}}" if attribute else f"${{{path}}}"


def removal_policies(deployment: Assembly) -> tuple[str, str]:
    """Return the DeletionPolicy and the UpdateReplacePolicy of what follows ``removal.data``."""
    return ("Delete", "Delete") if deployment.settings.removal.data == "destroy" else ("RetainExceptOnCreate", "Retain")


def synthesize(settings: Settings, profile: str, folder: Path) -> Assembly:
    """Synthesize one deployment into a folder and read its templates back."""
    profiles.synthesize(settings, folder)
    return read(settings, profile, folder)


def read(settings: Settings, profile: str, folder: Path) -> Assembly:
    """Read the templates of a deployment that was synthesized into a folder."""
    root = _template(folder / f"{Names(settings.suffix, settings.region).stack}.template.json")
    nested = {
        _stack_of(resource): _template(folder / resource["Metadata"]["aws:asset:path"])
        for resource in root.resources.values()
    }
    return Assembly(profile, settings, folder, root, nested)


@functools.cache
def assembly(profile: str) -> Assembly:
    """Return the assembly of a profile, synthesized once for all workers and runs with the same inputs."""
    from filelock import FileLock

    settings = load_settings(PROFILES[profile])
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"{profile}-{_digest(profile)}"
    with FileLock(CACHE / f"{profile}.lock"):
        if not folder.exists():
            fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=CACHE))
            profiles.synthesize(settings, fresh)
            fresh.rename(folder)
        folder.touch()
        _prune(profile)
    return read(settings, profile, folder)


def _digest(profile: str) -> str:
    """Return a digest of everything that a synthesis reads.

    While coverage is measured, each test run synthesizes for itself: only then do the lines of the stacks run.
    """
    digest = hashlib.sha256(f"{sys.version}{sorted(PROFILES[profile].items())}".encode())
    if coverage.Coverage.current() is not None:
        digest.update(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode())
    for entry in INPUTS:
        path = ROOT / entry
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _prune(profile: str) -> None:
    """Delete all but the latest assemblies of a profile."""
    kept = sorted(CACHE.glob(f"{profile}-{'[0-9a-f]' * 16}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in kept[GENERATIONS:]:
        shutil.rmtree(folder, ignore_errors=True)


def _template(path: Path) -> TemplateView:
    return TemplateView(json.loads(path.read_text(encoding="utf-8")))


def _stack_of(resource: Resource) -> str:
    """Return the name of a nested stack, from the construct path of its resource in the root."""
    return _path(resource)[1].removesuffix(".NestedStack")


def _path(resource: Resource) -> list[str]:
    """Return the construct path of a resource, the root stack first."""
    return str(resource["Metadata"]["aws:cdk:path"]).split("/")
