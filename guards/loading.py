"""Reads CloudFormation from files: JSON or YAML, one template, a folder, or a `cdk.out`.

Input may be broken or hostile. Size, depth and the size after YAML aliases are expanded are bounded, and whatever goes
wrong becomes one :class:`InputError` with the file's name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 200
MAX_NODES = 5_000_000
SUFFIXES = (".json", ".yaml", ".yml", ".template")


class InputError(Exception):
    """A path that cannot be judged: missing, unreadable, not CloudFormation, or beyond the limits."""


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's intrinsic functions."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:  # pragma: no cover - PyYAML has no fourth kind of node
        raise yaml.constructor.ConstructorError(None, None, f"unknown node for !{suffix}", node.start_mark)
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)
# CloudFormation reads dates as text: AWSTemplateFormatVersion: 2010-09-09, and policy versions.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_document(path: Path) -> Any:
    """Read one JSON or YAML file.

    Args:
        path: file of at most 64 MiB.

    Returns:
        What the file holds, with short-form intrinsics spelled out.

    Raises:
        InputError: the file is missing, too large, too deep, or neither JSON nor YAML.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: {size} bytes; at most {MAX_BYTES} are read")
        raw = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    try:
        document = json.loads(raw) if raw.lstrip().startswith("{") else yaml.load(raw, Loader=_Loader)  # noqa: S506
    except json.JSONDecodeError:
        document = _flow_yaml(path, raw)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InputError(f"{path}: neither JSON nor YAML ({_first_line(error)})") from None
    except RecursionError:
        raise InputError(f"{path}: nested deeper than {MAX_DEPTH} levels") from None
    _bound(path, document)
    return document


def _flow_yaml(path: Path, raw: str) -> Any:
    """Read text that begins like JSON but is not: YAML in flow style, or nothing."""
    try:
        return yaml.load(raw, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except RecursionError:
        raise InputError(f"{path}: nested deeper than {MAX_DEPTH} levels") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise InputError(f"{path}: neither JSON nor YAML ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _bound(path: Path, document: Any) -> None:
    """Refuse documents that are too deep, refer to themselves, or explode when YAML aliases are followed."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Any, int, bool]] = [(document, 1, False)]
    while stack:
        node, depth, leaving = stack.pop()
        children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else None
        if children is None:
            continue
        if leaving:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes.get(id(child), 1) for child in children)
            if sizes[id(node)] > MAX_NODES:
                raise InputError(f"{path}: more than {MAX_NODES} values once YAML aliases are followed")
            continue
        if id(node) in open_nodes:
            raise InputError(f"{path}: a YAML alias refers to itself")
        if id(node) in sizes:
            continue
        if depth > MAX_DEPTH:
            raise InputError(f"{path}: nested deeper than {MAX_DEPTH} levels")
        open_nodes.add(id(node))
        stack.append((node, depth, True))
        stack.extend((child, depth + 1, False) for child in children)


def looks_like_template(document: Any) -> bool:
    """Tell whether a document is a CloudFormation template: a mapping with a mapping of resources that have a type."""
    if not isinstance(document, dict):
        return False
    resources = document.get("Resources")
    return (
        isinstance(resources, dict)
        and bool(resources)
        and all(isinstance(item, dict) and isinstance(item.get("Type"), str) for item in resources.values())
    )


def find_templates(path: Path) -> dict[str, dict[str, Any]]:
    """Read every template below a path.

    Args:
        path: a template, a folder with templates, or a cloud assembly (`cdk.out`, nested assemblies included).

    Returns:
        Templates by file path relative to ``path`` (or the file's name).

    Raises:
        InputError: nothing there is a template, or the one file given cannot be read as one.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_file():
        document = read_document(path)
        if not looks_like_template(document):
            raise InputError(f"{path}: not a CloudFormation template (no Resources with a Type)")
        return {path.name: document}
    assembly = (path / "manifest.json").is_file()
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(item for item in path.rglob("*") if item.is_file() and item.suffix in SUFFIXES):
        if assembly and not file.name.endswith((".template.json", ".template.yaml")):
            continue
        if any(part.startswith("asset.") for part in file.relative_to(path).parts[:-1]):
            continue
        try:
            document = read_document(file)
        except InputError:
            if assembly:
                raise
            continue  # a folder may hold other things; a cloud assembly may not
        if looks_like_template(document):
            found[file.relative_to(path).as_posix()] = document
    if not found:
        raise InputError(f"{path}: holds no CloudFormation template")
    return found
