"""The image of the reference service: what it is built from, for which processor, and what its hash depends on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ecs as ecs

from stacks.compute.task_definition import SERVICE, service_image
from stacks.profiles import cdk_context
from stacks.settings import load_settings
from tests.assembly import Assembly, synthesize


def _assets(folder: Path) -> list[dict[str, Any]]:
    """Return what the CDK CLI builds and publishes as images."""
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.assets.json")]
    return [image for manifest in manifests for image in manifest.get("dockerImages", {}).values()]


def _hash(folder: Path, outdir: Path, architecture: str = "arm64") -> str:
    """Return the tag of the image that is built from a folder."""
    stack = Stack(App(outdir=str(outdir), context=cdk_context()), "Stack")
    definition = ecs.FargateTaskDefinition(stack, "Task")
    definition.add_container("Container", image=service_image(architecture, folder))
    stack.node.root.synth()  # type: ignore[attr-defined]
    (asset,) = _assets(outdir)
    (destination,) = asset["destinations"].values()
    return str(destination["imageTag"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Provide a copy of the folder, to be changed."""
    return Path(shutil.copytree(SERVICE, tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__")))


def test_dev_builds_the_service_for_its_processor(dev: Assembly) -> None:
    (asset,) = _assets(dev.folder)
    assert asset["source"]["platform"] == "linux/arm64"
    assert (dev.folder / asset["source"]["directory"] / "Dockerfile").is_file()
    (container,) = dev.nested["Compute"].one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    (destination,) = asset["destinations"].values()
    assert dev.text("Compute", container["Image"]).endswith(f":{destination['imageTag']}")


def test_another_processor_is_another_image(tmp_path: Path) -> None:
    settings = load_settings({"compute.architecture": "x86_64"})
    (asset,) = _assets(synthesize(settings, "x86", tmp_path).folder)
    assert asset["source"]["platform"] == "linux/amd64"


@pytest.mark.parametrize("profile", ["staging", "prod", "options", "unusual"])
def test_no_image_is_built_where_another_one_is_named(request: pytest.FixtureRequest, profile: str) -> None:
    assert _assets(request.getfixturevalue(profile).folder) == []


def test_what_a_run_or_a_tool_leaves_behind_changes_no_image(copy: Path, tmp_path: Path) -> None:
    before = _hash(copy, tmp_path / "before")
    for junk in ("__pycache__/a.pyc", "breakwater_service/__pycache__/b.pyc", ".mypy_cache/c", "notes.txt"):
        path = copy / junk
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("junk", encoding="utf-8")
    assert _hash(copy, tmp_path / "after") == before


def test_what_is_in_the_image_changes_it(copy: Path, tmp_path: Path) -> None:
    before = _hash(copy, tmp_path / "before")
    (copy / "breakwater_service" / "new.py").write_text("NEW = 1\n", encoding="utf-8")
    assert _hash(copy, tmp_path / "after") != before
