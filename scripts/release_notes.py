"""The text of a release: its section of the changelog, if tag, version and changelog agree."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence

from scripts.parts import ROOT

TAG = re.compile(r"(?:breakwater-(?P<package>guards|drills)-)?v(?P<version>\d+\.\d+\.\d+)")


class ReleaseError(Exception):
    """The tag cannot be released; the message is one line."""


def notes(tag: str) -> str:
    """Return the section of the changelog that a tag releases.

    Args:
        tag: ``v1.2.0`` for the platform, ``breakwater-guards-v1.2.0`` for a package.

    Returns:
        Markdown, without the heading that names the version.

    Raises:
        ReleaseError: the tag is of another form, or version or changelog say something else.
    """
    found = TAG.fullmatch(tag)
    if found is None:
        raise ReleaseError(
            f"{tag} is no tag of a release: allowed is v1.2.0, breakwater-guards-v1.2.0 or -drills-v1.2.0"
        )
    folder = ROOT / "packages" / found["package"] if found["package"] else ROOT
    project = folder / "pyproject.toml"
    version = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    if version != found["version"]:
        raise ReleaseError(f"{tag} is not the version {version} of {project.relative_to(ROOT)}: raise one of them")
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    section = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise ReleaseError(f"{changelog.relative_to(ROOT)} has no section [{version}]: rename Unreleased to it")
    return section[1].strip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the notes of the tag that is the only argument, or what is wrong."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1:
        print("usage: python -m scripts.release_notes TAG", file=sys.stderr)
        return 2
    try:
        print(notes(words[0]), end="")
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
