"""Every template of dev and prod, as committed: a changed property or logical id shows as a difference in review.

`make snapshots` renews the files after an intended change.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.assembly import NESTED, ROOT, assembly

FOLDER = ROOT / "tests" / "snapshots"
ENVIRONMENTS = ("dev", "prod")
# Assets are named by hashes of their content: a changed function or stack would show in every file that names it.
HASH = re.compile(r"\b[0-9a-f]{64}\b")
# syrupy expects files beside their test, named like it.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Can not relate snapshot:UserWarning")


class TemplateExtension(SingleFileSnapshotExtension):
    """One readable YAML file for each environment, with a document for each template."""

    file_extension = "yaml"
    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:  # noqa: ARG003 (syrupy passes it)
        """Return the folder of the snapshots."""
        return str(FOLDER)

    @classmethod
    def get_snapshot_name(cls, *, test_location: Any, index: Any = 0) -> str:  # noqa: ARG003 (syrupy passes it)
        """Return the name that the test gives."""
        return str(index)

    def serialize(self, data: Any, **_: Any) -> str:
        """Return templates by the names of their stacks as YAML documents, each headed by that name."""
        return "".join(f"--- # {stack}\n{_as_yaml(template)}" for stack, template in data.items())


def _as_yaml(template: Any) -> str:
    """Return a template with sorted keys, and with a number for each hash of an asset."""
    numbers: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"<asset {len(numbers) + 1}>")

    return HASH.sub(numbered, yaml.safe_dump(template, sort_keys=True, width=120, allow_unicode=True))


@pytest.fixture
def committed(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return the committed files, to compare with."""
    return snapshot.use_extension(TemplateExtension)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_committed_templates_are_current(environment: str, committed: SnapshotAssertion) -> None:
    templates = {stack: assembly(environment).templates[stack].document for stack in ("Root", *NESTED)}
    assert templates == committed(name=environment)


def test_every_committed_file_has_an_environment() -> None:
    assert {file.stem for file in Path(FOLDER).iterdir()} == set(ENVIRONMENTS)
