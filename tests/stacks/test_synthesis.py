"""A synth needs no credentials, asks AWS nothing, can be repeated byte by byte, and gives the committed templates.

`make snapshots` renews the files after an intended change: a changed property or logical id shows as a difference in
review.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import App
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from stacks import profiles
from stacks.profiles import cdk_context, synthesize
from stacks.settings import load_settings
from tests import assembly as assemblies
from tests.assembly import NESTED, ROOT, Assembly, assembly

PROD = dict(profiles.PROFILES["prod"])


def _run(folder: Path, settings: dict[str, str], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the app in a process that knows nothing but where Node is: no home, no AWS variable, no proxy."""
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({**cdk_context(), **settings}),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _files(folder: Path) -> dict[str, bytes]:
    """Return everything that is deployed or decides how; the metadata hold call stacks with jsii's temporary folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".metadata.json")
    }


def test_a_synth_without_credentials_repeats_byte_by_byte_what_another_process_wrote(
    prod: Assembly, tmp_path: Path
) -> None:
    done = _run(tmp_path, PROD, PYTHONHASHSEED="2", CDK_DEFAULT_REGION="eu-west-3")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    files = _files(tmp_path)
    assert len([name for name in files if name.endswith(".template.json")]) == 9
    # Only the app has the guards' plugin, which reports.
    assert files.pop("validation-report.json")
    assert files == _files(prod.folder)
    manifest = json.loads(files["manifest.json"])
    # The Region is the settings', whatever the CLI's default is.
    assert manifest["artifacts"]["Breakwater-eu1"]["environment"] == "aws://unknown-account/us-east-1"
    # What CDK could not know without asking AWS would stand here, and the CLI would ask.
    assert "missing" not in manifest


def test_a_profile_is_synthesized_with_more_context_and_with_plugins(tmp_path: Path) -> None:
    configured: list[App] = []
    platform = synthesize(load_settings({}), tmp_path, context={"owner": "tests"}, configure=configured.append)
    assert [app.node.try_get_context("owner") for app in configured] == ["tests"]
    assert configured[0].node.id == platform.node.root.node.id
    assert (tmp_path / platform.template_file).is_file()


def test_the_same_inputs_are_synthesized_once(dev: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemblies, "CACHE", tmp_path)
    monkeypatch.setattr(
        profiles, "synthesize", lambda _, folder: shutil.copytree(dev.folder, folder, dirs_exist_ok=True)
    )
    first = assemblies.assembly.__wrapped__("dev")
    monkeypatch.delattr(profiles, "synthesize")
    again = assemblies.assembly.__wrapped__("dev")
    assert again.folder == first.folder
    assert again.root.document == dev.root.document


def test_only_the_latest_assemblies_of_a_profile_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemblies, "CACHE", tmp_path)
    for age in range(assemblies.GENERATIONS + 2):
        folder = tmp_path / f"dev-{age:016x}"
        folder.mkdir()
        os.utime(folder, (1000 - age, 1000 - age))
    (tmp_path / "prod-0000000000000000").mkdir()
    assemblies._prune("dev")
    kept = sorted(folder.name for folder in tmp_path.iterdir())
    assert kept == [*(f"dev-{age:016x}" for age in range(assemblies.GENERATIONS)), "prod-0000000000000000"]


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
