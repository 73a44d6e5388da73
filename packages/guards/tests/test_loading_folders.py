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
        '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}, "B": {"Properties": {}}}, "AWSTemplateFormatVersion": ""}',
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


@pytest.mark.parametrize("ignored", ["node_modules", "__pycache__", "site-packages", ".hidden", "asset.1234"])
def test_folder_with_what_was_installed_or_unpacked(tmp_path: Path, ignored: str) -> None:
    for folder in (tmp_path / ignored, tmp_path / "sub" / ignored, tmp_path / f"my-{ignored}"):
        folder.mkdir(parents=True)
        write(folder, d__json=GOOD)
    assert keys(tmp_path) == [f"my-{ignored}/d.json"]


def test_folder_with_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes of all files count together, over all folders; what is no template by its name does not count."""
    write(tmp_path, a__json=GOOD, sub___b__json=GOOD, notes__txt="x" * 1000)
    size = (tmp_path / "a.json").stat().st_size
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 2 * size)
    assert keys(tmp_path) == ["a.json", "sub/b.json"]
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 2 * size - 1)
    with pytest.raises(InputError, match=f"or {2 * size - 1} bytes of JSON and YAML"):
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


def test_links_to_outside_are_not_followed(tmp_path: Path) -> None:
    """Whoever writes the folder must not choose what else of this machine is read and quoted in a report."""
    write(tmp_path, secret__json=GOOD, elsewhere___cdk__out="{}")
    folder = write(tmp_path / "inside", a__json=GOOD, sub___b__json=GOOD, c___cdk__out="{}")
    (folder / "x.json").symlink_to(tmp_path / "secret.json")
    (folder / "y.json").symlink_to("../secret.json")
    (folder / "again.json").symlink_to("sub/b.json")
    (folder / "c" / "manifest.json").symlink_to(tmp_path / "secret.json")
    assert keys(folder) == ["a.json", "again.json", "sub/b.json"]
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert keys(tmp_path / "link") == ["a.json", "again.json", "sub/b.json"], (
        "the path that was asked for may be a link"
    )
    assert keys(folder / "x.json") == ["x.json"], "as may a file that was asked for"


def test_a_manifest_outside_is_none(tmp_path: Path) -> None:
    outside = assembly_in(tmp_path / "outside", A=stack())
    inner = write(tmp_path / "app" / "inner", a__template__json=GOOD)
    (inner / "manifest.json").symlink_to(outside / "manifest.json")
    assembly_in(tmp_path / "app", A={"type": "cdk:cloud-assembly", "properties": {"directoryName": "inner"}})
    with pytest.raises(InputError, match="the nested assembly inner is missing"):
        keys(tmp_path / "app")


@pytest.mark.parametrize("relative", [True, False])
def test_an_assembly_that_names_absolute_paths_inside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, relative: bool
) -> None:
    folder = tmp_path / "cdk.out"
    assets = {"type": "cdk:asset-manifest", "properties": {"file": str(folder / "assets.json")}}
    write(assembly_in(folder, A=stack(str(folder / "a.template.json")), B=assets), a__template__json=GOOD)
    nested = {"source": {"path": str(folder / "n.template.json"), "packaging": "file"}}
    write(folder, n__template__json=GOOD, assets__json={"files": {"h": nested}})
    monkeypatch.chdir(tmp_path)
    found = find_sources(Path("cdk.out") if relative else folder)
    assert list(found.documents) == ["a.template.json", "n.template.json"]
    assert found.optional == {"n.template.json"}


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
