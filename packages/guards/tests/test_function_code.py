"""Code of functions: the files that a handler needs, and assets of every shape, hostile ones included."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rules.lambda_functions.packages import Asset, asset_of, handler_files, inline_problems

FUNCTION = "AWS::Lambda::Function"


@pytest.mark.parametrize(
    ("runtime", "handler", "first"),
    [
        ("python3.13", "index.handler", "index.py"),
        ("python3.13", "package.module.handler", "package/module.py"),
        ("python3.13", "package/module.handler", "package/module.py"),
        ("nodejs24.x", "src/index.handler", "src/index.js"),
        ("nodejs24.x", "index.nested.handler", "index.js"),
        ("ruby3.4", "function.Namespace::Class.process", "function.rb"),
        ("provided.al2023", "anything", "bootstrap"),
        ("java21", "com.example.Handler::handle", "com/example/Handler.class"),
        ("dotnet8", "Orders::Orders.Function::Handle", "Orders.dll"),
    ],
)
def test_file_of_a_handler(runtime: str, handler: str, first: str) -> None:
    assert handler_files(runtime, handler)[0] == first


@pytest.mark.parametrize(
    ("runtime", "handler"),
    [("go1.x", "main"), ("python3.13", "../other.handler"), ("nodejs24.x", "/opt/nodejs/x.handler")],
)
def test_packages_that_cannot_be_read(runtime: str, handler: str) -> None:
    assert handler_files(runtime, handler) == []


@pytest.mark.parametrize(("name", "inside"), [("lib/all.jar", True), ("com/example/Handler.class", False)])
def test_archives_inside_an_asset(tmp_path: Path, name: str, inside: bool) -> None:
    archive = tmp_path / "code.zip"
    with ZipFile(archive, "w") as file:
        file.writestr(name, "")
    assert Asset("code.zip", archive).has_archives() is inside
    assert Asset("gone.zip", tmp_path / "gone.zip").has_archives()


def test_zip_asset(tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("index.py", "")
    assert Asset("code.zip", archive).holds(["index.py"]) is True
    assert Asset("code.zip", archive).holds(["app.py"]) is False
    archive.write_bytes(b"not a zip")
    assert Asset("code.zip", archive).holds(["index.py"]) is None


@pytest.mark.parametrize("content", [None, "", []])
def test_assets_without_code(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "asset"
    if content == "":
        path.touch()
    elif content == []:
        path.mkdir()
    assert Asset("asset", path).problem() == ("does not exist" if content is None else "is empty")


def test_an_asset_that_cannot_be_read_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.py").touch()
    assert Asset("code", tmp_path).problem() is None

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", refused)
    assert Asset("code", tmp_path).problem() == "cannot be read"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "nul\0", "x" * 5000, ".", "s3://bucket/key"])
def test_paths_that_are_not_followed(tmp_path: Path, name: str) -> None:
    assert asset_of(_function(tmp_path, name)) is None


def test_path_beside_the_template(tmp_path: Path) -> None:
    asset = asset_of(_function(tmp_path, "build/code.zip"))
    assert asset is not None
    assert asset.path == tmp_path.resolve() / "build/code.zip"


def test_inline_code_that_runs() -> None:
    assert list(inline_problems("python3.13", "index.run", "def run(event, context): ...")) == []
    assert next(inline_problems("ruby3.4", "index.run", "def run")).startswith("inline code takes")


def _function(folder: Path, code: str) -> Resource:
    app = Assembly.from_document({"Resources": {"Function": {"Type": FUNCTION, "Properties": {"Code": code}}}})
    app.folder = folder
    return next(app.of_type(FUNCTION))
