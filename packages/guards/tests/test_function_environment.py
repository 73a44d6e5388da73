"""Environment variables that the code of a function needs, and the function that its handler names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from breakwater_guards import check
from breakwater_guards.rules.lambda_functions import sources
from breakwater_guards.rules.lambda_functions.glance import texts_of, wanted_by
from breakwater_guards.rules.lambda_functions.packages import Asset, module_of
from breakwater_guards.rules.lambda_functions.sources import Program, program_of
from guards_testing.build import resource, template, write
from guards_testing.judge import OPEN, found

FUNCTION = "AWS::Lambda::Function"
HANDLER = "import os\ndef handler(event, context):\n    "


def read(**modules: str) -> Program:
    """Return what a package reads whose handler is ``app.handler``; ``__`` stands for a slash."""
    files = {f"{name.replace('__', '/').replace('INIT', '__init__')}.py": text for name, text in modules.items()}
    program = program_of("app", "handler", files.get)
    assert program is not None
    return program


NEEDED = [
    HANDLER + "return os.environ['X']",
    "from os import environ\nTABLE = environ['X']\ndef handler(e, c): ...",
    "import os\ndef need(name):\n    return os.environ[name]\ndef handler(e, c): return need('X')",
    (
        "import os\ndef need(env, name):\n    value = env.get(name)\n    if not value: raise ValueError(name)\n"
        "    return value\ndef number(env, name): return int(need(env, name))\n"
        "def handler(e, c): return number(os.environ, 'X')"
    ),
    "import os\ndef need(name):\n    if not os.getenv(name): raise KeyError\ndef handler(e, c): need('X')",
    HANDLER + "try:\n        return os.environ['X']\n    except ValueError:\n        pass",
    "import os\nclass A:\n    def __init__(self): self.x = os.environ['X']\ndef handler(e, c): A()",
    "import os\nclass A:\n    x = os.environ['X']\ndef handler(e, c): return A.x",
    "import os\nasync def inner(): return os.environ['X']\ndef handler(e, c): return inner()",
]


@pytest.mark.parametrize("code", NEEDED)
def test_what_raises_without_it_is_needed(code: str) -> None:
    assert read(app=code).needed == {"X"}


@pytest.mark.parametrize(
    "code",
    [
        HANDLER + "return os.environ.get('X')",
        HANDLER + "return os.getenv('X', 'y')",
        HANDLER + "if event: return os.environ['X']",
        HANDLER + "return os.environ['X'] if 'X' in os.environ else None",
        HANDLER + "try:\n        return os.environ['X']\n    except KeyError:\n        pass",
        HANDLER + "try:\n        return os.environ['X']\n    except:\n        pass",
        HANDLER + "os.environ['X'] = 'y'\n    return os.environ['X']",
        HANDLER + "return os.environ[event['name']]",
        HANDLER + "return event['X'], event.environment['X']",
        "import os\ndef other(): return os.environ['X']\ndef handler(e, c): ...",
        (
            "import os\ndef need(name, default=None):\n    if name not in os.environ and not default: raise KeyError\n"
            "    return os.environ.get(name, default)\ndef handler(e, c): need('X', 'y')"
        ),
        "import os\ndef maybe(name): return os.environ.get(name)\ndef handler(e, c): maybe('X')",
        "def pick(mapping, name):\n    if not mapping.get(name): raise KeyError\ndef handler(e, c): pick({}, 'X')",
        "import os\ndef need():\n    name = 'X'\n    return os.environ[name]\ndef handler(e, c): need()",
    ],
)
def test_what_may_be_missing_is_not_needed(code: str) -> None:
    assert read(app=code).needed == set()


def test_modules_that_are_imported_count_and_others_do_not() -> None:
    program = read(
        app="from package import one\nfrom .two import three\nimport os, boto3, package.four as f\n"
        "def handler(e, c): return one.get(), f.get()",
        package__INIT="import os\nA = os.environ['A']",
        package__one="from . import five\nimport os\ndef get(): return os.environ['B']",
        package__five="import os\nC = os.environ['C']",
        package__four="import os\ndef get(): return os.environ.get('D')\ndef unused(): return os.environ['E']",
        two="three = 3",
        other="import os\nF = os.environ['F']",
    )
    assert program.needed == {"A", "B", "C"}
    assert program.asked == {"A", "B", "C", "D"}
    assert {"A", "D", "E"} <= program.mentioned


@pytest.mark.parametrize("code", ["def handler(:", "x = '\0'", "("])
def test_code_that_is_none_is_not_read(code: str) -> None:
    assert program_of("app", "handler", {"app.py": code}.get) is None
    assert program_of("app", "handler", lambda _: None) is None


def test_a_package_of_too_many_modules_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_MODULES", 1)
    assert program_of("app", "handler", {"app.py": "import b", "b.py": ""}.get) is None


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import a.b as c, d.e\nfrom f import g\nh = 1\ndef i(): ...\nclass J: ...", {"c", "d", "g", "h", "i", "J"}),
        ("from a import *", None),
        ("globals()['handler'] = 1", None),
        ("def __getattr__(name): ...", None),
    ],
)
def test_names_of_a_module(code: str, names: set[str] | None) -> None:
    assert read(app=code).handlers == names


@pytest.mark.parametrize(
    ("runtime", "handler", "split"),
    [
        ("python3.13", "a.b.c", ("a/b", "c")),
        ("nodejs22.x", "src/index.handler", ("src/index", "handler")),
        ("java21", "a.B::c", ("", "B::c")),
        ("python3.13", "../a.b", ("", "b")),
    ],
)
def test_module_and_function_of_a_handler(runtime: str, handler: str, split: tuple[str, str]) -> None:
    assert module_of(runtime, handler) == split


def inline(code: Any, runtime: str = "python3.13", /, **more: Any) -> list[str]:
    made = resource(FUNCTION, Code={"ZipFile": code}, Handler="index.handler", Runtime=runtime, **more)
    return found("DR-LAMBDA-11", {"F": made, **more.pop("Others", {})})


NEEDS = HANDLER + "return os.environ['TABLE_NAME'], os.environ['AWS_REGION'], os.environ['PATH'], os.getenv('STAGE')"
NODE = "exports.handler = async () => process.env.TABLE_NAME + process.env['BUCKET'] + process.env.PATH"


@pytest.mark.parametrize(
    ("code", "runtime", "variables", "told"),
    [
        (NEEDS, "python3.13", {"TABLE_NAME": "t"}, []),
        (NEEDS, "python3.13", None, ["The code needs TABLE_NAME, and the function does not have it."]),
        (
            NEEDS,
            "python3.13",
            {"TABLE_NAM": OPEN},
            ["The code needs TABLE_NAME, and the function does not have it; it has TABLE_NAM."],
        ),
        (NEEDS, "python3.13", {"TABLE_NAME": "t", "STAGES": "s"}, ["The code reads STAGE, and never STAGES."]),
        (NEEDS, "python3.13", OPEN, []),
        (NEEDS, "java21", None, []),
        (NEEDS, OPEN, None, []),
        ({"Ref": "Open"}, "python3.13", None, []),
        (NODE, "nodejs22.x", {"TABLE_NAM": "t"}, ["The code reads TABLE_NAME, and never TABLE_NAM."]),
        (NODE, "nodejs22.x", {"TABLE_NAME": "t"}, []),
        (f"import x from './x'; {NODE}", "nodejs22.x", {"TABLE_NAM": "t"}, []),
        ({"Ref": "Open"}, "nodejs22.x", {"TABLE_NAM": "t"}, []),
    ],
)
def test_inline_code_and_its_variables(code: Any, runtime: Any, variables: Any, told: list[str]) -> None:
    environment = {} if variables is None else {"Environment": {"Variables": variables}}
    assert inline(code, runtime, **environment) == told


def test_arms_layers_macros_and_other_hosts() -> None:
    either = {"Fn::If": ["C", {"TABLE_NAME": "t"}, {"STAGE": "s"}]}
    assert inline(NEEDS, "python3.13", Environment={"Variables": either}) == []
    assert inline(NEEDS, "python3.13", Layers=["arn"]) == []
    made = resource(FUNCTION, Code={"ZipFile": NEEDS}, Handler="index.handler", Runtime="python3.13")
    assert found("DR-LAMBDA-11", {"F": made}, Transform="Mine") == []
    assert found("DR-LAMBDA-11", {"F": made, "G": resource("AWS::Greengrass::FunctionDefinition")}) == []
    assert found("DR-LAMBDA-11", {"F": {**made, "Properties": {**made["Properties"], "Handler": OPEN}}}) == []


def assembly(folder: Path, handler: str, runtime: str = "python3.13", asset: str = "asset.a") -> list[str]:
    """Return the findings of a function whose code is an asset."""
    made = resource(FUNCTION, Code={"S3Bucket": "b", "S3Key": "k"}, Handler=handler, Runtime=runtime)
    made["Metadata"] = {"aws:asset:path": asset, "aws:asset:property": "Code"}
    write(folder, a__template__json=template({"F": made}), manifest__json={"version": "1"})
    report = check(folder / "a.template.json", rules=["DR-LAMBDA-07", "DR-LAMBDA-11"])
    return [finding.message for finding in report.findings]


def test_the_code_of_an_asset(tmp_path: Path) -> None:
    (tmp_path / "asset.a" / "vendored").mkdir(parents=True)
    (tmp_path / "asset.a" / "lib-1.dist-info").mkdir()
    (tmp_path / "asset.a" / "lib-1.dist-info" / "RECORD").write_text("vendored/__init__.py,sha256=x,1\n")
    (tmp_path / "asset.a" / "vendored" / "__init__.py").write_text("import os\nA = os.environ['A']")
    (tmp_path / "asset.a" / "app.py").write_text(f"import vendored\n{HANDLER}return os.environ['B']")
    assert assembly(tmp_path, "app.handler") == ["The code needs B, and the function does not have it."]
    told = "Handler is 'app.{0}': nothing in its file is called {0}"
    assert assembly(tmp_path, "app.handle") == [f"{told.format('handle')}; it has handler."]
    assert assembly(tmp_path, "app.zzz") == [f"{told.format('zzz')}."]
    (tmp_path / "asset.a" / "app.py").write_bytes(b"\xff")
    assert assembly(tmp_path, "app.handler") == []


def test_the_code_of_an_archive(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "asset.zip", "w") as archive:
        archive.writestr("app.py", f"{HANDLER}return os.environ['B']")
        archive.writestr("index.js", json.dumps("handler"))
    assert assembly(tmp_path, "app.handler", asset="asset.zip") == [
        "The code needs B, and the function does not have it."
    ]
    assert assembly(tmp_path, "index.handler", "nodejs22.x", "asset.zip") == []
    assert assembly(tmp_path, "index.other", "nodejs22.x", "asset.zip") == [
        "Handler is 'index.other': nothing in its file is called other."
    ]


def test_files_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_text("no archive")
    asset = Asset("broken.zip", tmp_path / "broken.zip")
    assert asset.read("app.py") is None
    assert asset.vendored == frozenset()
    (tmp_path / "a-1.dist-info").mkdir()
    (tmp_path / "a-1.dist-info" / "RECORD").write_bytes(b"\xff")
    assert Asset("x", tmp_path).vendored == frozenset()
    assert Asset("x", tmp_path).read("missing.py") is None


@pytest.mark.parametrize("code", NEEDED)
def test_a_glance_leaves_out_nothing_that_is_needed(code: str) -> None:
    assert wanted_by([code]) >= {"X"}
    program = program_of("app", "handler", {"app.py": code}.get, {"X"})
    assert program is not None
    assert program.needed == {"X"} <= program.mentioned & program.asked
    assert "handler" in (program.handlers or ())


def test_a_glance_follows_imports_and_sees_what_is_read() -> None:
    files = {
        "app.py": "from package.one import (\n    get,\n)\nimport package.two as t, os\nA = os.environ['A']\n",
        "package/one.py": "from . import three\nB = os.environ.get('B') or os.getenv('C')",
        "package/two.py": "from .three import x",
        "package/three.py": "D = environ['D']",
    }
    program = program_of("app", "handler", files.get, {"A", "D"})
    assert program is not None
    assert program.needed == {"A", "D"}
    assert program.asked == {"A", "B", "C", "D"}
    assert program_of("app", "handler", {"app.py": "environ['A']\n("}.get, {"A"}) is None
    assert wanted_by(["def f(env, name): ...\n    if f(os.environ, 'E'):\n        f(os.environ, 'F')"]) == {"F"}
    assert texts_of("app", files.get).keys() == {name.removesuffix(".py") for name in files}
