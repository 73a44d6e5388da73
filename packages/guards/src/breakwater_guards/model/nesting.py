"""Find which template of an assembly a nested stack is made from."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from breakwater_guards.model.values import Text
from breakwater_guards.reading.files import mapping

if TYPE_CHECKING:
    from breakwater_guards.model.template import Resource

NESTED_STACK = "AWS::CloudFormation::Stack"


class Nesting:
    """Find templates by what nested stacks say of them.

    Args:
        keys: keys of all templates, which are file paths.
        assets: template keys by folder and name of the uploaded object, from the asset manifests.
    """

    def __init__(self, keys: list[str], assets: Mapping[tuple[str, str], str]) -> None:
        self._keys, self._assets = frozenset(keys), assets
        self._by_name: dict[str, list[str]] = {}
        for key in keys:
            self._by_name.setdefault(PurePosixPath(key).name, []).append(key)

    def template_of(self, stack: Resource) -> str | None:
        """Return the key of a nested stack's template, or ``None`` when it is not known or not certain.

        Args:
            stack: a resource of type ``AWS::CloudFormation::Stack``.

        CDK names the file in the metadata, or else the uploaded object in the URL; people write a path or a URL that
        ends in the file's name.
        """
        folder = posixpath.dirname(stack.template.file)
        staged = mapping(stack.body.get("Metadata")).get("aws:asset:path")
        if isinstance(staged, str):
            return self._beside(folder, staged) or self._like(staged)
        url = stack.get("TemplateURL")
        url = url.known if isinstance(url, Text) else url
        if not isinstance(url, str):
            return None
        path = _path(url)
        uploaded = self._assets.get((folder or ".", PurePosixPath(path).name))
        return uploaded or self._beside(folder, path) or self._like(path)

    def _beside(self, folder: str, path: str) -> str | None:
        key = posixpath.normpath(posixpath.join(folder, path))
        return key if key in self._keys else None

    def _like(self, path: str) -> str | None:
        """Return the template whose path shares the longest ending with another path, if there is only one."""
        wanted = PurePosixPath(path)
        ranked: dict[int, list[str]] = {}
        for key in self._by_name.get(wanted.name, ()):
            ranked.setdefault(_common_ending(wanted.parts, PurePosixPath(key).parts), []).append(key)
        best = ranked[max(ranked)] if ranked else []
        return best[0] if len(best) == 1 else None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path if "://" in url else url
    except ValueError:
        return ""


def _common_ending(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(reversed(left), reversed(right), strict=False)) if a != b),
        min(len(left), len(right)),
    )
