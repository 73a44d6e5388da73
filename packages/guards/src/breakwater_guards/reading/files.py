"""Read CloudFormation templates from files, JSON or YAML.

Input may be broken or hostile. Size and depth are bounded, and whatever goes wrong becomes one :class:`InputError` with
the file's name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any

from breakwater_guards.reading.json_text import MAX_DEPTH, MAX_NODES, JsonError, read_json

MAX_BYTES = 32 * 1024 * 1024
MAX_YAML_BYTES = 10 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024 * 1024
MAX_FILES = 10_000
SUFFIXES = (".json", ".yaml", ".yml", ".template")
# CloudFormation's own: not a section of a template, but legal beside resources.
_LANGUAGE_EXTENSION = "Fn::"
_SECTIONS = frozenset({"AWSTemplateFormatVersion", "Transform"})
_BESIDE_RESOURCES = _SECTIONS | {"Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Outputs"}
MAX_TOLD = 10
_IGNORED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})
_CLAIM = re.compile(r"""(?:^|[{,])\s*['"]?(?:Resources|AWSTemplateFormatVersion)['"]?\s*:""", re.MULTILINE)


class InputError(Exception):
    """A path that cannot be judged: missing, unreadable, not CloudFormation, or beyond the limits."""


def read_text(path: Path) -> str:
    """Return the text of a file of at most 32 MiB.

    Raises:
        InputError: the file is missing, unreadable, too large, or not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: {size} bytes; at most {MAX_BYTES} are read")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def read_document(path: Path, notices: list[str] | None = None) -> Any:
    """Read one JSON or YAML file.

    Args:
        path: file of at most 32 MiB (YAML: 10 MiB).
        notices: receives what a person should know of it, e.g. a key that stands twice.

    Returns:
        What the file holds, with short-form intrinsics spelled out.

    Raises:
        InputError: the file is missing, too large, too deep, or neither JSON nor YAML.
    """
    return parse(read_text(path), str(path), notices)


def parse(text: str, name: str, notices: list[str] | None = None) -> Any:
    """Read JSON or YAML from text; see :func:`read_document`.

    Args:
        text: the document.
        name: what to call it in an error.
        notices: receives what a person should know of it.
    """
    problem = None
    twice: list[str] = []
    if text.lstrip().startswith("{"):
        try:
            document = read_json(text, twice)
        except json.JSONDecodeError as error:
            problem = f"not JSON ({error})"  # YAML in flow style begins like this, too
        except (JsonError, RecursionError) as error:
            text_of_error = f"nested deeper than {MAX_DEPTH} levels" if isinstance(error, RecursionError) else error
            raise InputError(f"{name}: {text_of_error}") from None
        else:
            _tell_twice(twice, name, notices)
            return document
    if len(text) > MAX_YAML_BYTES:
        raise InputError(f"{name}: {problem or f'{len(text)} characters of YAML; at most {MAX_YAML_BYTES} are read'}")
    document = _parse_yaml(text, name, problem, twice)
    _tell_twice(twice, name, notices)
    return document


def _tell_twice(twice: list[str], name: str, notices: list[str] | None) -> None:
    if twice and notices is not None:
        keys = ", ".join(repr(key[:100]) for key in list(dict.fromkeys(twice))[:MAX_TOLD])
        notices.append(f"{name}: written more than once in a mapping: {keys}; CloudFormation takes the last")


def _parse_yaml(text: str, name: str, problem: str | None, twice: list[str]) -> Any:
    try:
        # Only here: PyYAML is needed for YAML alone, and its import costs as much as judging a small template.
        from breakwater_guards.reading.yaml_events import YamlError, read_yaml  # noqa: PLC0415
    except ModuleNotFoundError:
        raise InputError(f"{name}: {problem or 'to read YAML, install PyYAML'}") from None
    try:
        return read_yaml(text, max_depth=MAX_DEPTH, max_nodes=MAX_NODES, twice=twice)
    except YamlError as error:
        raise InputError(f"{name}: {f'{problem} nor YAML' if problem else 'not YAML'} ({error})") from None


def template_problem(document: Any) -> str | None:
    """Say why a document is no CloudFormation template, or ``None`` when it is one.

    Args:
        document: what a file holds.
    """
    if not isinstance(document, dict) or ("Resources" not in document and not _SECTIONS & document.keys()):
        return "not a CloudFormation template (no Resources)"
    resources = document.get("Resources")
    if not isinstance(resources, dict | NoneType):
        return "not a CloudFormation template (Resources is no mapping of logical ids to resources)"
    for name, body in (resources or {}).items():
        if name.startswith(_LANGUAGE_EXTENSION):
            continue
        if not (isinstance(body, dict) and (isinstance(body.get("Type"), str) or _may_get_type(document, body))):
            return f"not a CloudFormation template (the resource {name[:100]!r} has no Type)"
    return None


def _may_get_type(document: dict[str, Any], body: dict[str, Any]) -> bool:
    """Tell whether a macro, of the template or in the resource, may write the type of a resource."""
    return "Type" not in body and ("Transform" in document or "Fn::Transform" in body)


def read_template(path: Path, notices: list[str] | None = None, *, of_stack: bool = False) -> dict[str, Any]:
    """Read a file that has to be a template.

    Args:
        path: the file.
        notices: receives what a person should know of it.
        of_stack: a manifest says that it is one, even when nothing is in it.

    Raises:
        InputError: it is none.
    """
    document = read_document(path, notices)
    empty = of_stack and isinstance(document, dict) and document.keys() <= _BESIDE_RESOURCES
    problem = None if empty else template_problem(document)
    if problem:
        raise InputError(f"{path}: {problem}")
    return with_resources(document)


def with_resources(document: dict[str, Any]) -> dict[str, Any]:
    """Return a template whose section ``Resources`` is there: CDK writes none for a stack without resources."""
    return document if document.get("Resources") else {**document, "Resources": {}}


def template_or_none(path: Path, notices: list[str] | None = None) -> dict[str, Any] | None:
    """Read a file that may be a template or something else.

    Args:
        path: the file.
        notices: receives what a person should know of it, when it is a template.

    Returns:
        The template, or ``None`` for a file that does not claim to be one.

    Raises:
        InputError: the file cannot be read, or claims to be a template and is none.
    """
    text = read_text(path)
    if "Resources" not in text:
        return None
    claims = _CLAIM.search(text) is not None and "AWS::" in text
    told: list[str] = []
    try:
        document = parse(text, str(path), told)
    except InputError:
        if claims:
            raise
        return None
    problem = template_problem(document)
    if problem and isinstance(document, dict) and "AWSTemplateFormatVersion" in document:
        raise InputError(f"{path}: {problem}")
    if problem or "Resources" not in document:
        return None
    if notices is not None:
        notices += told
    return with_resources(document)


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[Path]]]:
    """Walk through a folder in a fixed order, without hidden and installed folders and CDK's unpacked assets.

    A link leads nowhere outside the folder: what lies there was not handed over.

    Yields:
        A folder, the names of those below it (remove one, and it is not entered), and its files that may be templates.

    Raises:
        InputError: the folder cannot be read, or holds too much.
    """
    seen = total = 0
    for name, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(
            item for item in folders if not item.startswith((".", "asset.")) and item not in _IGNORED_FOLDERS
        )
        chosen = [Path(name, file) for file in sorted(files) if Path(file).suffix in SUFFIXES]
        chosen = [file for file in chosen if file.is_file() and not leaves(file, folder)]
        seen += len(chosen)
        total += sum(file.stat().st_size for file in chosen)
        if seen > MAX_FILES or total > MAX_TOTAL_BYTES:
            raise InputError(f"{folder}: more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes of JSON and YAML")
        yield Path(name), folders, chosen


def leaves(file: Path, folder: Path) -> bool:
    """Tell whether a file of a folder is a link to something outside the folder."""
    return file.is_symlink() and not is_inside(file, folder)


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path lies in a folder when all links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):
        return False


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: {error.strerror}")


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}
