"""Find the templates below a path: one file, a folder, or cloud assemblies (`cdk.out`) with their nested ones."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from breakwater_guards.reading.acknowledged import QUALIFIER, CdkAcknowledgement, acknowledgements
from breakwater_guards.reading.files import (
    SUFFIXES,
    InputError,
    is_inside,
    leaves,
    mapping,
    read_template,
    read_text,
    template_or_none,
    walk,
)

MANIFEST = "manifest.json"


class Stack(NamedTuple):
    """What a cloud assembly says of one of its stacks.

    Attributes:
        region: Region of the stack, where the app fixes it.
        account: account, likewise.
        name: physical name of the stack.
        path: construct path of the stack.
    """

    region: str | None = None
    account: str | None = None
    name: str | None = None
    path: str | None = None


class Sources:
    """Templates, and what the manifests around them say.

    Attributes:
        documents: templates by file path relative to what was asked for.
        stacks: the stacks of cloud assemblies, by key of their template; other templates of an assembly count only
            where a stack nests them.
        assets: template keys by folder and name of the uploaded object, e.g. ``<hash>.json``.
        optional: keys that count only when another template nests them.
        acknowledgements: what CDK recorded.
        notices: what a person should know of the files.
    """

    def __init__(
        self, documents: dict[str, dict[str, Any]] | None = None, *, stacks: dict[str, Stack] | None = None
    ) -> None:
        self.documents = documents or {}
        self.stacks = stacks or {}
        self.assets: dict[tuple[str, str], str] = {}
        self.optional: set[str] = set()
        self.acknowledgements: list[CdkAcknowledgement] = []
        self.notices: list[str] = []


def find_sources(path: Path) -> Sources:
    """Read every template below a path.

    Args:
        path: a template, a folder with templates, or a cloud assembly (nested assemblies included).

    Returns:
        The templates and their surroundings.

    Raises:
        InputError: nothing there is a template, or what claims to be one is none.
    """
    found = Sources()
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
    if is_file:
        found.documents[path.name] = read_template(path, found.notices)
    elif is_folder:
        _read_folder(path, found)
    else:
        raise InputError(f"{path}: {'neither file nor folder' if path.exists() else 'no such file or folder'}")
    if not set(found.documents) - found.optional:
        raise InputError(f"{path}: holds no CloudFormation template")
    return found


def _read_folder(base: Path, found: Sources) -> None:
    for folder, below, files in walk(base):
        manifest = _manifest(folder, base)
        if manifest is not None:
            below.clear()
            _Assembly(base, found).read(folder, manifest)
            continue
        for file in files:
            document = template_or_none(file, found.notices)
            if document is not None:
                found.documents[file.relative_to(base).as_posix()] = document


def _manifest(folder: Path, base: Path) -> dict[str, Any] | None:
    """Return the manifest of a cloud assembly; ``None`` for a folder that is none, whatever its manifest.json is."""
    file = folder / MANIFEST
    if not file.is_file() or leaves(file, base):
        return None
    marked = (folder / "cdk.out").is_file()  # CDK writes this file into every assembly
    try:
        manifest = json.loads(read_text(file))
    except (InputError, ValueError, RecursionError):
        if marked:
            raise InputError(f"{file}: broken; synthesize again") from None
        return None
    if isinstance(manifest, dict) and isinstance(manifest.get("artifacts"), dict) and "version" in manifest:
        return manifest
    if marked:
        raise InputError(f"{file}: not the manifest of a cloud assembly; synthesize again")
    return None


class _Assembly:
    """Read what the manifests of one cloud assembly name: older files may lie beside it."""

    def __init__(self, base: Path, found: Sources) -> None:
        self._base, self._found = base, found

    def read(self, folder: Path, manifest: dict[str, Any]) -> None:
        """Read one assembly and those nested in it."""
        pending = [(folder, manifest)]
        seen = {folder}
        while pending:
            folder, manifest = pending.pop()
            for name, artifact in manifest["artifacts"].items():
                properties = mapping(mapping(artifact).get("properties"))
                kind = mapping(artifact).get("type")
                if kind == "aws:cloudformation:stack":
                    self._stack(folder, name, artifact, properties)
                elif kind == "cdk:asset-manifest":
                    self._assets(folder, properties.get("file"))
                elif kind == "cdk:cloud-assembly":
                    nested = self._inside(folder, properties.get("directoryName"))
                    inner = _manifest(nested, self._base)
                    if inner is None:
                        raise InputError(f"{folder / MANIFEST}: the nested assembly {nested.name} is missing")
                    if nested not in seen:
                        seen.add(nested)
                        pending.append((nested, inner))

    def _stack(self, folder: Path, name: str, artifact: dict[str, Any], properties: dict[str, Any]) -> None:
        file = self._inside(folder, properties.get("templateFile"))
        key = self._key(file)
        self._found.documents[key] = read_template(file, self._found.notices, of_stack=True)
        self._found.optional.discard(key)
        self._staged(folder, self._found.documents[key])
        account, _, region = str(artifact.get("environment", "")).removeprefix("aws://").partition("/")
        self._found.stacks[key] = Stack(
            region=_known(region),
            account=_known(account),
            name=_text(properties.get("stackName")) or name,
            path=_text(artifact.get("displayName")) or name,
        )
        metadata = mapping(artifact.get("metadata"))
        extra = _text(artifact.get("additionalMetadataFile"))
        if extra and self._has(folder, extra):
            text = read_text(self._inside(folder, extra))
            metadata = {**metadata, **(mapping(_json(text, extra)) if QUALIFIER in text else {})}
        self._found.acknowledgements.extend(acknowledgements(metadata))

    def _assets(self, folder: Path, name: Any) -> None:
        manifest = self._inside(folder, name)
        if not self._has(folder, name):
            return
        for asset, entry in mapping(mapping(_json(read_text(manifest), manifest)).get("files")).items():
            source = mapping(mapping(entry).get("source"))
            path = _text(source.get("path"))
            if source.get("packaging") != "file" or not path or PurePosixPath(path).suffix not in SUFFIXES:
                continue
            key = self._optional(folder / path)
            if key is None:
                continue
            objects = [
                mapping(target).get("objectKey") for target in mapping(mapping(entry).get("destinations")).values()
            ]
            place = self._key(folder)
            for uploaded in (asset, *filter(None, map(_text, objects))):
                self._found.assets[place, PurePosixPath(uploaded).name] = key

    def _has(self, folder: Path, name: Any) -> bool:
        """Tell whether a file beside the templates is there; snapshots in a repository often leave some out."""
        file = self._inside(folder, name)
        if not file.is_file():
            self._found.notices.append(f"{self._key(file)} is missing: what it says of assets or findings is not known")
        return file.is_file()

    def _staged(self, folder: Path, document: dict[str, Any]) -> None:
        """Read the nested templates that CDK names in the metadata of stacks, also where no asset manifest does."""
        for body in mapping(document.get("Resources")).values():
            path = _text(mapping(mapping(body).get("Metadata")).get("aws:asset:path"))
            if path and PurePosixPath(path).suffix in SUFFIXES:
                known = set(self._found.documents)
                key = self._optional(folder / path)
                if key is not None and key not in known:
                    self._staged(folder, self._found.documents[key])

    def _optional(self, file: Path) -> str | None:
        """Read a file of the assembly if it is a template: an asset may lie anywhere, a nested template lies here."""
        if not is_inside(file, self._base) or not file.is_file():
            return None
        key = self._key(file)
        if key not in self._found.documents:
            document = template_or_none(file, self._found.notices)
            if document is None:
                return None
            self._found.documents[key] = document
            self._found.optional.add(key)
        return key

    def _inside(self, folder: Path, name: Any) -> Path:
        if not _text(name) or not is_inside(folder / name, self._base):
            raise InputError(f"{folder / MANIFEST}: {str(name)[:100]!r} is no path inside the assembly")
        return folder / str(name)

    def _key(self, path: Path) -> str:
        # A manifest may name a file by its absolute path, whatever the path that was asked for.
        return path.resolve().relative_to(self._base.resolve()).as_posix()


def _json(text: str, file: object) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{file}: broken; synthesize again") from None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _known(part: str) -> str | None:
    return None if part.startswith("unknown-") or not part else part
