"""One model of a whole cloud assembly: root and nested stacks, with references followed across them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from guards.loading import InputError, find_templates, looks_like_template
from guards.resolve import Choice, Resolver
from guards.values import ABSENT, UNKNOWN, Reference, Text, split_text

NESTED_STACK = "AWS::CloudFormation::Stack"


class Resource:
    """One resource, with its properties resolved on demand.

    Args:
        template: the template that declares it.
        logical_id: its logical id.
        body: what the template says of it.
    """

    def __init__(self, template: Template, logical_id: str, body: dict[str, Any]) -> None:
        self.template, self.logical_id, self.body = template, logical_id, body
        self.type = str(body["Type"])

    def __repr__(self) -> str:
        return f"{self.template.key}:{self.logical_id}"

    @property
    def reference(self) -> Reference:
        """What `Ref` to this resource resolves to."""
        return Reference(self.template.key, self.logical_id)

    def options(self, path: str) -> list[Any]:
        """Return every value that a property can have.

        Args:
            path: dotted path below ``Properties``; ``[]`` after a name goes through every element of a list, e.g.
                ``Replicas[].SSESpecification.KMSMasterKeyId``.

        Returns:
            One entry per arm of `Fn::If` and per list element: the deeply resolved value, ``ABSENT`` where it is not
            given, ``UNKNOWN`` where only the deployment decides.
        """
        return self._walk(self.body.get("Properties", {}), _steps(path))

    def get(self, path: str) -> Any:
        """Return the value of a property if there is exactly one possibility, else ``UNKNOWN``."""
        found = self.options(path)
        return found[0] if found and all(item == found[0] for item in found) else UNKNOWN

    def given(self, path: str) -> list[Any]:
        """Return the possible values of a property without those where it is absent or unknown."""
        return [item for item in self.options(path) if item is not ABSENT and item is not UNKNOWN]

    def attribute(self, name: str) -> Any:
        """Return an attribute beside the properties, e.g. ``DeletionPolicy``, or ``ABSENT``."""
        return self.template.resolver.deep(self.body[name]) if name in self.body else ABSENT

    @property
    def construct_path(self) -> str | None:
        """Path of the CDK construct that made it, when the template tells."""
        metadata = self.body.get("Metadata")
        path = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
        return path if isinstance(path, str) else None

    def _walk(self, value: Any, steps: list[str]) -> list[Any]:
        resolver = self.template.resolver
        value = resolver.resolve(value)
        if isinstance(value, Choice):
            return [item for arm in value.arms for item in self._walk(arm, steps)]
        if value is UNKNOWN or value is ABSENT or not steps:
            return [resolver.deep(value)]
        step, rest = steps[0], steps[1:]
        if step == "[]":
            if not isinstance(value, list):
                return [UNKNOWN]
            return [found for item in value for found in self._walk(item, rest)]
        if not isinstance(value, dict):
            return [UNKNOWN]
        return self._walk(value[step], rest) if step in value else [ABSENT]


class Template:
    """One template of an assembly.

    Args:
        assembly: what it belongs to.
        key: its file path, relative to what was asked to be judged.
        document: its content.
    """

    def __init__(self, assembly: Assembly, key: str, document: dict[str, Any]) -> None:
        self.assembly, self.key, self.document = assembly, key, document
        self.parent: Resource | None = None
        self.region: str | None = None
        self.account: str | None = None
        self.resolver = Resolver(self)
        self.parameters = _mapping(document.get("Parameters"))
        self.mappings = _mapping(document.get("Mappings"))
        self.outputs = _mapping(document.get("Outputs"))
        self.resources = {
            name: Resource(self, name, body) for name, body in _mapping(document.get("Resources")).items()
        }

    def parameter_value(self, name: str, depth: int) -> Any:
        """Return what the parent passes, else the default, else ``UNKNOWN``."""
        declared = _mapping(self.parameters.get(name))
        kind, default = str(declared.get("Type", "")), declared.get("Default", UNKNOWN)
        if kind.startswith("AWS::SSM::"):
            return UNKNOWN  # the value names a parameter that only the account can read
        if self.parent is not None:
            passed = _mapping(_mapping(self.parent.body.get("Properties")).get("Parameters")).get(name)
            if passed is not None:
                return _typed(kind, self.parent.template.resolver.deep(passed, depth))
        return _typed(kind, default)

    def output_value(self, name: str, depth: int) -> Any:
        """Return the value of an output, resolved in this template."""
        output = _mapping(self.outputs.get(name))
        return self.resolver.deep(output["Value"], depth) if "Value" in output else UNKNOWN

    def child(self, logical_id: str) -> Template | None:
        """Return the template of a nested stack, if it is part of the assembly."""
        return self.assembly.children.get((self.key, logical_id))

    def imported(self, name: Any, depth: int) -> Any:
        """Return what another stack of the assembly exports under a name."""
        for template in self.assembly.templates.values():
            for output_name, output in template.outputs.items():
                export = _mapping(_mapping(output).get("Export")).get("Name", ABSENT)
                if export is not ABSENT and template.resolver.deep(export, depth) == name:
                    return template.output_value(output_name, depth)
        return UNKNOWN


class Assembly:
    """Every template below a path, wired together.

    Args:
        documents: templates by key.
        environments: region and account by key of a root template, where an assembly's manifest tells.
    """

    def __init__(
        self, documents: dict[str, dict[str, Any]], environments: dict[str, tuple[str | None, str | None]] | None = None
    ) -> None:
        self.templates = {key: Template(self, key, document) for key, document in documents.items()}
        self.children: dict[tuple[str, str], Template] = {}
        self.views: dict[Any, Any] = {}
        self.folder: Path | None = None
        self._wire()
        for key, (region, account) in (environments or {}).items():
            self._place(self.templates[key], region, account)

    @classmethod
    def load(cls, path: str | Path) -> Assembly:
        """Read a template, a folder or a `cdk.out`.

        Args:
            path: what to judge.

        Returns:
            The model.

        Raises:
            InputError: nothing there can be judged.
        """
        path = Path(path)
        documents = find_templates(path)
        model = cls(documents, _environments(path, documents))
        model.folder = path if path.is_dir() else path.parent
        return model

    @classmethod
    def of(cls, document: Any) -> Assembly:
        """Wrap one template that is already in memory; raise InputError if it is none."""
        if not looks_like_template(document):
            raise InputError("not a CloudFormation template (no Resources with a Type)")
        return cls({"template": document})

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        index: dict[str, list[Resource]] = {}
        for template in self.templates.values():
            for resource in template.resources.values():
                index.setdefault(resource.type, []).append(resource)
        return index

    def of_type(self, *kinds: str) -> Iterator[Resource]:
        """Yield every resource of these CloudFormation types in any template."""
        for kind in kinds:
            yield from self._by_type.get(kind, ())

    def target(self, value: Any) -> Resource | None:
        """Return the resource that a value refers to: by `Ref`, by an attribute, or inside one ARN."""
        if isinstance(value, Text) and len(value.references) == 1:
            value = value.references[0]
        if not isinstance(value, Reference):
            return None
        return self.templates[value.template].resources.get(value.logical_id)

    @property
    def roots(self) -> list[Template]:
        """Templates that no other template of the assembly nests."""
        return [template for template in self.templates.values() if template.parent is None]

    def _wire(self) -> None:
        """Find the template of each nested stack: by CDK's asset path, else by a TemplateURL that is a file's name."""
        by_name = {Path(key).name: template for key, template in self.templates.items()}
        for template in list(self.templates.values()):
            for resource in template.resources.values():
                if resource.type != NESTED_STACK:
                    continue
                metadata = _mapping(resource.body.get("Metadata"))
                location = metadata.get("aws:asset:path") or _mapping(resource.body.get("Properties")).get(
                    "TemplateURL"
                )
                child = by_name.get(Path(location).name) if isinstance(location, str) else None
                if child is not None and child.parent is None and not _is_ancestor(child, template):
                    child.parent = resource
                    self.children[template.key, resource.logical_id] = child

    def _place(self, template: Template, region: str | None, account: str | None) -> None:
        template.region, template.account = region, account
        for (parent, _), child in self.children.items():
            if parent == template.key:
                self._place(child, region, account)


def _is_ancestor(candidate: Template, template: Template | None) -> bool:
    """Tell whether nesting ``candidate`` into ``template`` would make a circle."""
    while template is not None:
        if template is candidate:
            return True
        template = template.parent.template if template.parent else None
    return False


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _typed(kind: str, value: Any) -> Any:
    """Give a parameter's value its type: a list arrives as text with commas, from a default and from a parent alike."""
    if not (kind == "CommaDelimitedList" or kind.startswith("List<")) or isinstance(value, list):
        return value
    items = split_text(value, ",")
    if items is not UNKNOWN:
        return [item.strip() if isinstance(item, str) else item for item in items]
    return [value] if isinstance(value, Reference) else UNKNOWN


def _steps(path: str) -> list[str]:
    return [step for part in path.split(".") for step in ([part[:-2], "[]"] if part.endswith("[]") else [part])]


def _environments(path: Path, documents: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    """Read region and account of each stack from the manifests of a cloud assembly."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for manifest in path.rglob("manifest.json") if path.is_dir() else ():
        try:
            artifacts = _mapping(_mapping(json.loads(manifest.read_text(encoding="utf-8"))).get("artifacts"))
        except (ValueError, OSError, RecursionError):
            continue
        for artifact in map(_mapping, artifacts.values()):
            file = _mapping(artifact.get("properties")).get("templateFile")
            key = (manifest.parent / str(file)).relative_to(path).as_posix()
            environment = str(artifact.get("environment", ""))
            if key in documents and environment.startswith("aws://"):
                account, _, region = environment.removeprefix("aws://").partition("/")
                found[key] = (_unless_unknown(region), _unless_unknown(account))
    return found


def _unless_unknown(part: str) -> str | None:
    return None if part.startswith("unknown-") or not part else part
