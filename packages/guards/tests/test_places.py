"""Places of findings: the file as one would type it, and the line of the resource."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakwater_guards.formats import FORMATS
from breakwater_guards.formats.places import file_of, line_of, uri_of
from guards_testing.reports import finding, report

YAML_TEMPLATE = """\
Description: a Cluster
Mappings:
  Cluster:
    a: {b: c}
Resources:

  # Other: comes first
  'Other':
    Type: AWS::SNS::Topic
    Properties:
      Cluster: x
  Cluster:
    Type: AWS::SNS::Topic
Outputs:
  Late:
    Value: x
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (YAML_TEMPLATE, {"Other": 8, "Cluster": 12, "Late": None, "Type": None}),
        (
            json.dumps({"Resources": {"Other": {"Type": "x"}, "Cluster": {"Type": "y"}}}, indent=2),
            {"Other": 3, "Cluster": 6},
        ),
        (json.dumps({"Resources": {"Cluster": {"Type": "y"}}}), {"Cluster": None}),
        ("a: b", {"Cluster": None}),
        ("Resources:", {"Cluster": None}),
    ],
)
def test_line_of_a_resource(tmp_path: Path, text: str, lines: dict[str, int | None]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    for path in (file, tmp_path):
        given = report(path=path)
        assert {name: line_of(given, finding(resource=name)) for name in lines} == lines
        assert line_of(given, finding(resource="")) is None


def test_line_in_a_file_that_is_gone(tmp_path: Path) -> None:
    assert line_of(report(path=tmp_path / "gone"), finding()) is None


def test_lines_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cdk.out").mkdir()
    Path("cdk.out/a.yaml").write_text(YAML_TEMPLATE, encoding="utf-8")
    given = report(finding(), path=Path("cdk.out"))
    assert "  at      cdk.out/a.yaml:12 Cluster EngineVersion\n" in FORMATS["text"](given)
    assert FORMATS["github"](given).startswith("::error file=cdk.out/a.yaml,line=12,title=DR-A-01::")
    assert "cdk.out/a.yaml:12 Cluster EngineVersion\n" in FORMATS["junit"](given)
    place = json.loads(FORMATS["sarif"](given))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "cdk.out/a.yaml"}, "region": {"startLine": 12}}


def test_file_as_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "my templates").mkdir()
    inside = report(path=here / "my templates")
    assert file_of(inside, finding()) == "my templates/a.yaml"
    assert uri_of(inside, finding()) == "my%20templates/a.yaml"
    outside = report(path=tmp_path)
    assert file_of(outside, finding()) == (tmp_path / "a.yaml").as_posix()
    assert uri_of(outside, finding()) == (tmp_path / "a.yaml").as_uri()
    assert file_of(report(), finding()) == "a.yaml"


def test_file_as_seen_from_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "cwd", gone)
        found = file_of(report(path=tmp_path), finding())
    assert found == (tmp_path / "a.yaml").as_posix()
