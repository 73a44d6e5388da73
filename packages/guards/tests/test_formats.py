"""Formats: each is valid for its reader, whatever a template puts into names and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from breakwater_guards import Report, Severity, __version__
from breakwater_guards.formats import FORMATS
from breakwater_guards.report import Acknowledged, Unjudged
from breakwater_guards.rule import OtherRule
from guards_testing.reports import RULES, finding, report

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_text(encoding="utf-8"))
NASTY = "a\nb\r%0A::error::,:<&>\"']]>\0\x1b[31m\x7f\ud800\u2028é 100%"

FULL = report(
    finding(),
    finding(1, resource="", path="", construct="App/Stack"),
    finding(resource=NASTY, path=NASTY, message=NASTY, template=f"{NASTY}.json", construct=NASTY),
    acknowledged=(Acknowledged(finding=finding(1), reason="because of something long"),),
    unjudged=(Unjudged(rule="DR-C-01", error=KeyError(NASTY)),),
    notices=("something to know",),
)
EMPTY = report()


def test_every_format_takes_everything() -> None:
    assert sorted(FORMATS) == ["github", "json", "junit", "sarif", "text"]
    for to_format in FORMATS.values():
        for given in (FULL, EMPTY, report(rules=())):
            text = to_format(given)
            assert text == "" or text.endswith("\n")


def test_text() -> None:
    assert FORMATS["text"](report(finding(), finding(1, resource="", path="", construct="App/Stack"))) == (
        "error DR-A-01: '15.6' is not offered.\n"
        "  at      a.yaml Cluster EngineVersion\n"
        "  fix     Mend it.\n"
        "  source  https://example.com/a\n"
        "\n"
        "warning DR-B-01: '15.6' is not offered.\n"
        "  at      a.yaml\n"
        "  made by App/Stack\n"
        "  fix     Mend it.\n"
        "  source  https://example.com/a\n"
        "\n"
        "3 rules: 1 error, 1 warning, 0 acknowledged\n"
    )
    assert FORMATS["text"](EMPTY) == "3 rules: 0 errors, 0 warnings, 0 acknowledged\n"


def test_text_leaves_the_terminal_alone() -> None:
    text = FORMATS["text"](FULL)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\\x1b[31m" in text
    assert "é" in text


def test_json() -> None:
    found = json.loads(FORMATS["json"](FULL))
    assert found["findings"][0] == {
        "rule": "DR-A-01",
        "severity": "error",
        "resource": "Cluster",
        "template": "a.yaml",
        "path": "EngineVersion",
        "message": "'15.6' is not offered.",
        "fix": "Mend it.",
        "source": "https://example.com/a",
        "tool": "",
    }
    assert {tuple(entry) for entry in found["findings"]} == {tuple(found["findings"][0])}
    assert found["findings"][2]["message"] == NASTY
    assert found["acknowledged"][0]["reason"] == "because of something long"
    assert found["rules"] == ["DR-A-01", "DR-B-01", "DR-C-01"]
    assert [item["rule"] for item in found["unjudged"]] == ["DR-C-01"]
    assert found["notices"] == ["something to know"]


@pytest.mark.parametrize("given", [FULL, EMPTY], ids=["full", "empty"])
def test_sarif_is_valid(given: Report) -> None:
    """Against the schema that Microsoft's SARIF tools ship."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(FORMATS["sarif"](given)))


def test_sarif_validation_can_fail() -> None:
    log = json.loads(FORMATS["sarif"](FULL))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(log)


def test_sarif() -> None:
    log = json.loads(FORMATS["sarif"](FULL))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [result.get("suppressions", []) for result in run["results"]] == [
        [],
        [],
        [],
        [{"kind": "inSource", "justification": "because of something long"}],
    ]
    first, second = (result["locations"][0] for result in run["results"][:2])
    assert first["logicalLocations"] == [{"fullyQualifiedName": "Cluster.EngineVersion", "kind": "resource"}]
    assert first["physicalLocation"] == {"artifactLocation": {"uri": "a.yaml"}, "region": {"startLine": 1}}
    assert "logicalLocations" not in second
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [item["level"] for item in run["invocations"][0]["toolExecutionNotifications"]] == ["error", "warning"]
    fingerprints = [result["partialFingerprints"]["place/v1"] for result in run["results"]]
    assert fingerprints[0] == "DR-A-01:a.yaml:Cluster.EngineVersion"


@pytest.mark.parametrize(("fail_on", "failures"), [(Severity.WARNING, 3), (Severity.ERROR, 2)])
def test_junit_counts_its_elements_and_fails_what_fails_the_run(fail_on: Severity, failures: int) -> None:
    text = FORMATS["junit"](FULL._replace(fail_on=fail_on))
    assert text.isascii()
    suite = ET.fromstring(text)  # noqa: S314 (our own output)
    cases = suite.findall("testcase")
    for name, kind in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
        assert suite.get(name) == str(len(suite.findall(kind)))
    assert suite.get("failures") == str(failures)
    assert suite.get("errors") == "1"
    assert all(len(case) <= 1 for case in cases), "JUnit's schema allows one outcome for a case"
    assert len({case.get("name") for case in cases}) == len(cases)
    error, first, warning = cases[:3]
    assert "rule DR-C-01 failed (KeyError" in str(error[0].get("message"))
    assert first.get("name") == "DR-A-01 title of DR-A-01 (a.yaml Cluster EngineVersion)"
    assert first[0].get("message") == "'15.6' is not offered."
    assert first[0].text == "a.yaml Cluster EngineVersion\nMend it.\nhttps://example.com/a"
    assert warning[0].tag == ("failure" if fail_on is Severity.WARNING else "system-out")
    assert "'15.6' is not offered." in (warning[0].get("message") or warning[0].text or "")


def test_junit_shows_rules_and_tools_that_found_nothing() -> None:
    suite = ET.fromstring(FORMATS["junit"](report(finding(**OTHER), **ASKED)))  # noqa: S314
    names = [(case.get("classname"), case.get("name"), len(case)) for case in suite]
    assert names == [
        ("cfn-lint", "E3012 wrong type (a.yaml Cluster EngineVersion)", 1),
        *(("guards", f"{item.id} {item.title}", 0) for item in RULES),
        ("cdk-preflight", "cdk-preflight", 0),
    ]


OTHER: dict[str, Any] = {"rule": "E3012", "tool": "cfn-lint", "fix": "", "source": ""}
ASKED: dict[str, Any] = {
    "tools": ("cfn-lint", "cdk-preflight"),
    "others": (OtherRule(id="E3012", tool="cfn-lint", title="wrong type", severity=Severity.ERROR, source=""),),
}


def test_what_another_checker_says_is_told_as_its_own() -> None:
    given = report(finding(**OTHER), **ASKED)
    assert FORMATS["text"](given) == (
        "error E3012 (cfn-lint): '15.6' is not offered.\n"
        "  at      a.yaml Cluster EngineVersion\n"
        "\n"
        "3 rules and cfn-lint and cdk-preflight: 1 error, 0 warnings, 0 acknowledged\n"
    )
    assert FORMATS["github"](given) == (
        "::error file=a.yaml,title=E3012::Cluster EngineVersion: '15.6' is not offered.\n"
    )
    (run,) = json.loads(FORMATS["sarif"](given))["runs"]
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["shortDescription"]["text"], rule["properties"]["tags"]) == (
        "E3012",
        "wrong type",
        ["cfn-lint"],
    )
    assert result["message"]["text"] == "'15.6' is not offered."
    document = json.loads(FORMATS["json"](given))
    assert (document["tools"], document["findings"][0]["tool"]) == (["cfn-lint", "cdk-preflight"], "cfn-lint")


def test_sarif_names_version_and_home_of_the_tool() -> None:
    driver = json.loads(FORMATS["sarif"](EMPTY))["runs"][0]["tool"]["driver"]
    assert driver["version"] == driver["semanticVersion"] == __version__
    assert driver["informationUri"].startswith("https://")


def test_what_the_baseline_knows_is_counted_and_suppressed() -> None:
    given = report(known=(finding(),))
    assert FORMATS["text"](given) == "3 rules: 0 errors, 0 warnings, 0 acknowledged, 1 in the baseline\n"
    (result,) = json.loads(FORMATS["sarif"](given))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "It is in the baseline."}]
    suite = ET.fromstring(FORMATS["junit"](given))  # noqa: S314
    assert (suite.get("failures"), suite.get("tests")) == ("0", "3")
    assert len(json.loads(FORMATS["json"](given))["known"]) == 1


def test_github() -> None:
    lines = FORMATS["github"](FULL).split("\n")
    assert len(lines) == 4, "no value starts a command of its own"
    assert lines[0] == (
        "::error file=a.yaml,title=DR-A-01::Cluster EngineVersion: '15.6' is not offered. Fix: Mend it. "
        "(https://example.com/a)"
    )
    assert lines[1].startswith("::warning file=a.yaml,title=DR-B-01::'15.6' is not offered.")
    properties, _, data = lines[2].removeprefix("::error ").partition("::")
    assert properties.startswith("file=a%0Ab%0D%250A%3A%3Aerror%3A%3A%2C%3A<&>")
    assert "100%25" in data
    assert "\r" not in data
