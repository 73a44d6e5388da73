"""Read CloudFormation templates from files, JSON or YAML.

Input may be broken or hostile. Size and depth are bounded, and whatever goes wrong becomes one :class:`InputError` with
the file's name.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

MAX_BYTES = 32 * 1024 * 1024
MAX_YAML_BYTES = 10 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024 * 1024
MAX_FILES = 10_000
MAX_DEPTH = 200
MAX_NODES = 1_000_000
SUFFIXES = (".json", ".yaml", ".yml", ".template")
_MAX_DIGITS = 30
# CloudFormation's own: not a section of a template, but legal beside resources.
_LANGUAGE_EXTENSION = "Fn::"
_IGNORED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})
_CLAIM = re.compile(r"""(?:^|[{,])\s*['"]?(?:Resources|AWSTemplateFormatVersion)['"]?\s*:""", re.MULTILINE)


class InputError(Exception):
    """A path that cannot be judged: missing, unreadable, not CloudFormation, or beyond the limits."""


class _JsonError(ValueError):
    """JSON that CloudFormation does not accept."""


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


def read_document(path: Path) -> Any:
    """Read one JSON or YAML file.

    Args:
        path: file of at most 32 MiB (YAML: 10 MiB).

    Returns:
        What the file holds, with short-form intrinsics spelled out.

    Raises:
        InputError: the file is missing, too large, too deep, neither JSON nor YAML, or has a key twice.
    """
    return parse(read_text(path), str(path))


def parse(text: str, name: str) -> Any:
    """Read JSON or YAML from text; see :func:`read_document`.

    Args:
        text: the document.
        name: what to call it in an error.
    """
    problem = None
    if text.lstrip().startswith("{"):
        try:
            return _parse_json(text)
        except json.JSONDecodeError as error:
            problem = f"not JSON ({error})"  # YAML in flow style begins like this, too
        except (_JsonError, RecursionError) as error:
            text_of_error = f"nested deeper than {MAX_DEPTH} levels" if isinstance(error, RecursionError) else error
            raise InputError(f"{name}: {text_of_error}") from None
    if len(text) > MAX_YAML_BYTES:
        raise InputError(f"{name}: {problem or f'{len(text)} characters of YAML; at most {MAX_YAML_BYTES} are read'}")
    return _parse_yaml(text, name, problem)


def _parse_yaml(text: str, name: str, problem: str | None) -> Any:
    try:
        # Only here: PyYAML is needed for YAML alone, and its import costs as much as judging a small template.
        from breakwater_guards.reading.yaml_events import YamlError, read_yaml  # noqa: PLC0415
    except ModuleNotFoundError:
        raise InputError(f"{name}: {problem or 'to read YAML, install PyYAML'}") from None
    try:
        return read_yaml(text, max_depth=MAX_DEPTH, max_nodes=MAX_NODES)
    except YamlError as error:
        raise InputError(f"{name}: {f'{problem} nor YAML' if problem else 'not YAML'} ({error})") from None


def _parse_json(text: str) -> Any:
    if text.count("{") + text.count("[") > MAX_NODES:
        raise _JsonError(f"more than {MAX_NODES} objects and lists")
    document = json.loads(
        text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_number, parse_constant=_constant
    )
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _JsonError(f"nested deeper than {MAX_DEPTH} levels")
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))  # faster than `dict | list`
        ]
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        (key, _), *_ = (Counter(key for key, _ in pairs) - Counter(made.keys())).items()
        raise _JsonError(f"the key {key[:100]!r} is there twice")
    return made


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _number(text: str) -> float | str:
    number = float(text)
    return number if isfinite(number) else text


def _constant(name: str) -> Any:
    raise _JsonError(f"{name} is no JSON")


def template_problem(document: Any) -> str | None:
    """Say why a document is no CloudFormation template, or ``None`` when it is one.

    Args:
        document: what a file holds.
    """
    if not isinstance(document, dict) or "Resources" not in document:
        return "not a CloudFormation template (no Resources)"
    resources = document["Resources"]
    if not isinstance(resources, dict) or not resources:
        return "not a CloudFormation template (Resources is no mapping of logical ids to resources)"
    for name, body in resources.items():
        if name.startswith(_LANGUAGE_EXTENSION):
            continue
        if not (isinstance(body, dict) and isinstance(body.get("Type"), str)):
            return f"not a CloudFormation template (the resource {name[:100]!r} has no Type)"
    return None


def looks_like_template(document: Any) -> bool:
    """Tell whether a document is a CloudFormation template: a mapping with a mapping of resources that have a type."""
    return template_problem(document) is None


def read_template(path: Path) -> dict[str, Any]:
    """Read a file that has to be a template.

    Raises:
        InputError: it is none.
    """
    document = read_document(path)
    problem = template_problem(document)
    if problem:
        raise InputError(f"{path}: {problem}")
    template: dict[str, Any] = document
    return template


def template_or_none(path: Path) -> dict[str, Any] | None:
    """Read a file that may be a template or something else.

    Returns:
        The template, or ``None`` for a file that does not claim to be one.

    Raises:
        InputError: the file cannot be read, or claims to be a template and is none.
    """
    text = read_text(path)
    if "Resources" not in text:
        return None
    claims = _CLAIM.search(text) is not None and "AWS::" in text
    try:
        document = parse(text, str(path))
    except InputError:
        if claims:
            raise
        return None
    problem = template_problem(document)
    if problem and isinstance(document, dict) and "AWSTemplateFormatVersion" in document:
        raise InputError(f"{path}: {problem}")
    return None if problem else document


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
