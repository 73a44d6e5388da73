"""One model of a whole cloud assembly: root and nested stacks, with references followed across them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from breakwater_guards.model.nesting import NESTED_STACK, Nesting
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.reading.acknowledged import CdkAcknowledgement
from breakwater_guards.reading.assemblies import Sources, Stack, find_sources
from breakwater_guards.reading.collector import paused_collector
from breakwater_guards.reading.files import InputError, mapping, template_problem, with_resources

MAX_STACKS = 2_000
MAX_RESOURCES = 200_000


class Assembly:
    """Every stack below a path, wired together.

    Args:
        documents: templates by key, which is their file path.
        environments: Region and account by key of a root template, where they are known.
        sources: what the manifests of a cloud assembly say; in place of ``environments``.

    Raises:
        InputError: templates nest each other into more stacks than can be judged.
    """

    def __init__(
        self,
        documents: Mapping[str, dict[str, Any]],
        environments: Mapping[str, tuple[str | None, str | None]] | None = None,
        *,
        sources: Sources | None = None,
    ) -> None:
        self.views: dict[Any, Any] = {}
        self.folder: Path | None = None
        self.path: Path | None = None
        self.templates: dict[str, Template] = {}
        self.children: dict[tuple[str, str], Template] = {}
        self.acknowledgements: tuple[CdkAcknowledgement, ...] = tuple(sources.acknowledgements) if sources else ()
        self.notices: tuple[str, ...] = tuple(dict.fromkeys(sources.notices)) if sources else ()
        self._documents, self._resource_count = documents, 0
        sources = sources or Sources()
        self._stacks = sources.stacks | {
            key: Stack(region=region, account=account) for key, (region, account) in (environments or {}).items()
        }
        self._nested = self._find_nested(sources)
        inner = {key for nested in self._nested.values() for key in nested.values()}
        for key in [*(key for key in documents if key not in inner or key in sources.stacks), *documents]:
            if key not in self.templates and key not in sources.optional:
                self._make(key)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a template, a folder or a `cdk.out`.

        Args:
            path: what to judge.

        Returns:
            The model.

        Raises:
            InputError: nothing there can be judged.
        """
        path = Path(path)
        try:
            with paused_collector():
                sources = find_sources(path)
                model = cls(sources.documents, sources=sources)
        except MemoryError:
            raise InputError(f"{path}: too large for the memory of this machine") from None
        model.path, model.folder = path, path if path.is_dir() else path.parent
        return model

    @classmethod
    def from_document(cls, document: Any) -> Assembly:
        """Wrap one template that is already in memory; raise InputError if it is none."""
        problem = template_problem(document)
        if problem:
            raise InputError(problem)
        return cls({"template": with_resources(document)})

    def of_type(self, *kinds: str) -> Iterator[Resource]:
        """Yield every resource of these CloudFormation types that can be part of a deployment."""
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
        """Stacks that are not nested in another one."""
        return [template for template in self.templates.values() if template.parent is None]

    def stack_named(self, name: Any, region: Any) -> Template | None:
        """Return the root stack with a physical name in a Region, where a cloud assembly tells both."""
        found = [root for root in self.roots if root.stack_name == name and root.region == region]
        return found[0] if isinstance(name, str) and len(found) == 1 else None

    def exporter(self, template: Template, name: Hashable) -> tuple[Template, str] | None:
        """Return the stack and its output that export a name to a stack, if exactly one does."""
        found = self._exports.get((template.region, template.account, name), [])
        return found[0] if len(found) == 1 else None

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        index: dict[str, list[Resource]] = {}
        for template in self.templates.values():
            for resource in template.resources.values():
                if resource.exists:
                    index.setdefault(resource.type, []).append(resource)
        return index

    @cached_property
    def _exports(self) -> dict[tuple[str | None, str | None, Hashable], list[tuple[Template, str]]]:
        """Exported names are unique in a Region of an account."""
        index: dict[tuple[str | None, str | None, Hashable], list[tuple[Template, str]]] = {}
        self.__dict__["_exports"] = index  # a name that is itself made from an import stays unknown
        for template in self.templates.values():
            for output, body in template.outputs.items():
                name = template.resolver.deep(mapping(mapping(body).get("Export")).get("Name", ABSENT))
                if isinstance(name, str | Text):
                    index.setdefault((template.region, template.account, name), []).append((template, output))
        return index

    def _find_nested(self, sources: Sources) -> dict[str, dict[str, str]]:
        """Return the template of each nested stack, by the template that declares it and logical id."""
        nesting = Nesting(list(self._documents), sources.assets)
        found: dict[str, dict[str, str]] = {}
        for key, document in self._documents.items():
            if not any(mapping(body).get("Type") == NESTED_STACK for body in document["Resources"].values()):
                continue
            for resource in Template(self, key, document).resources.values():
                nested = nesting.template_of(resource) if resource.type == NESTED_STACK else None
                if nested is not None:
                    found.setdefault(key, {})[resource.logical_id] = nested
        return found

    def _make(self, root: str) -> None:
        """Model a stack with those nested in it; several stacks from one template become several models."""
        waiting: list[tuple[str, Resource | None, tuple[str, ...]]] = [(root, None, ())]
        while waiting:
            file, parent, around = waiting.pop()
            key = (
                file
                if file not in self.templates or parent is None
                else f"{file}@{parent.template.key}.{parent.logical_id}"
            )
            stack = self._stacks.get(file)
            if parent is not None:
                stack = Stack(region=parent.template.region, account=parent.template.account)
            template = Template(self, key, self._documents[file], file=file, parent=parent, stack=stack)
            self.templates[key] = template
            if parent is not None:
                self.children[parent.template.key, parent.logical_id] = template
            self._resource_count += len(template.resources)
            if len(self.templates) > MAX_STACKS or self._resource_count > MAX_RESOURCES:
                raise InputError(
                    f"{root}: more than {MAX_STACKS} stacks or {MAX_RESOURCES} resources, nested ones included"
                )
            for logical_id, nested in reversed(self._nested.get(file, {}).items()):
                if nested not in (*around, file):  # a template that nests itself cannot be deployed
                    waiting.append((nested, template.resources[logical_id], (*around, file)))
