"""Folders and cloud assemblies as a user hands them over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import InputError
from breakwater_guards.reading import files
from breakwater_guards.reading.assemblies import find_sources
from guards_testing.build import resource, template, write

GOOD = template({"R": resource(P="x")})


def keys(path: Path) -> list[str]:
    return list(find_sources(path).documents)


def test_folder_with_other_things(tmp_path: Path) -> None:
    write(
        tmp_path,
        b__json=GOOD,
        a__yaml="Resources: {R: {Type: 'X::Y::Z'}}",
        sub___c__template=GOOD,
        package__json={"name": "x"},
        values__yaml="Resources: {limits: {cpu: 1}}",
        broken__yaml="Resources: [",
        notes__txt="Resources: {}",
        node_modules___d__json=GOOD,
        __hidden___e__json=GOOD,
        asset__1234___f__json=GOOD,
    )
    assert keys(tmp_path) == ["a.yaml", "b.json", "sub/c.template"]


@pytest.mark.parametrize(
    "text",
    [
        "Resources:\n  A:\n    Type: AWS::SNS::Topic\n  A: [",
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}, "A": {"Type": "AWS::SNS::Topic"}}}',
        '{"AWSTemplateFormatVersion": "2010-09-09", "Resources": []}',
    ],
)
def test_folder_with_a_broken_template(tmp_path: Path, text: str) -> None:
    """It must not pass because its worst template was not looked at."""
    write(tmp_path, a__json=GOOD, b__json=text)
    with pytest.raises(InputError, match=r"b\.json: "):
        keys(tmp_path)


def test_folder_with_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, a__json=GOOD, b__json=GOOD)
    monkeypatch.setattr(files, "MAX_FILES", 1)
    with pytest.raises(InputError, match="more than 1 files"):
        keys(tmp_path)


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(top: Path, *, onerror: Any) -> Any:
        onerror(PermissionError(13, "Permission denied", str(top)))
        yield from ()

    monkeypatch.setattr(os, "walk", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        keys(tmp_path)


def test_links_to_nothing_and_circles_of_folders(tmp_path: Path) -> None:
    write(tmp_path, a__json=GOOD)
    (tmp_path / "b.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert keys(tmp_path) == ["a.json"]


# Cloud assemblies


def assembly_in(folder: Path, **artifacts: Any) -> Path:
    return write(folder, manifest__json={"version": "55.0.0", "artifacts": artifacts}, cdk__out="{}")


def stack(file: Any = "a.template.json", **more: Any) -> dict[str, Any]:
    return {"type": "aws:cloudformation:stack", "properties": {"templateFile": file}, **more}


def test_assembly_below_a_folder(tmp_path: Path) -> None:
    write(assembly_in(tmp_path / "app" / "cdk.out", A=stack()), a__template__json=GOOD, old__template__json=GOOD)
    write(tmp_path, other__json=GOOD)
    assert keys(tmp_path) == ["other.json", "app/cdk.out/a.template.json"]
    assert list(find_sources(tmp_path).stacks) == ["app/cdk.out/a.template.json"]


def test_manifest_of_something_else(tmp_path: Path) -> None:
    write(tmp_path, manifest__json={"name": "a browser extension"}, a__json=GOOD)
    assert keys(tmp_path) == ["a.json"]
    write(tmp_path, manifest__json="no JSON")
    assert keys(tmp_path) == ["a.json"]


@pytest.mark.parametrize("content", ['{"version": "5', "[" * 100_000, "[]", '{"version": "55", "artifacts": []}'])
def test_broken_manifest(tmp_path: Path, content: str) -> None:
    write(tmp_path, manifest__json=content, cdk__out="{}", a__template__json=GOOD)
    with pytest.raises(InputError, match=r"manifest\.json: .*synthesize again"):
        keys(tmp_path)


@pytest.mark.parametrize(
    ("artifact", "message"),
    [
        (stack("gone.template.json"), "No such file"),
        (stack(5), "'5' is no path inside the assembly"),
        (stack(""), "'' is no path inside the assembly"),
        (stack("../outside.json"), "'../outside.json' is no path inside the assembly"),
        (stack("/etc/passwd"), "'/etc/passwd' is no path inside the assembly"),
        (stack("a\0b"), "is no path inside the assembly"),
        (stack("b.template.json"), r"b\.template\.json: not a CloudFormation template"),
        (stack(additionalMetadataFile="../x"), "is no path inside the assembly"),
        (stack(additionalMetadataFile="broken.json"), r"broken\.json: broken; synthesize again"),
        ({"type": "cdk:asset-manifest", "properties": {}}, "'None' is no path inside the assembly"),
        ({"type": "cdk:asset-manifest", "properties": {"file": "broken.json"}}, r"broken\.json: broken"),
        (
            {"type": "cdk:cloud-assembly", "properties": {"directoryName": "gone"}},
            "the nested assembly gone is missing",
        ),
    ],
    ids=str,
)
def test_assembly_that_names_what_is_not_there(tmp_path: Path, artifact: Any, message: str) -> None:
    folder = assembly_in(tmp_path / "cdk.out", A=artifact)
    write(folder, a__template__json=GOOD, b__template__json={"a": 1}, broken__json='{"breakwater-guards::')
    write(tmp_path, outside__json=GOOD)
    with pytest.raises(InputError, match=message):
        keys(folder)


def test_assembly_with_artifacts_of_the_wrong_type(tmp_path: Path) -> None:
    folder = assembly_in(
        tmp_path, A=5, B={"type": "cdk:tree", "properties": "x"}, C=stack(environment=["x"], metadata=5)
    )
    assert keys(write(folder, a__template__json=GOOD)) == ["a.template.json"]


def test_assembly_that_names_itself(tmp_path: Path) -> None:
    itself = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
    assert keys(write(assembly_in(tmp_path, A=stack(), B=itself), a__template__json=GOOD)) == ["a.template.json"]
