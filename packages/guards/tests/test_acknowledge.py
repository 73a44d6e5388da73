"""Acknowledgements, in templates and at constructs: which count, and which are reported as void."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import engine
from breakwater_guards.acknowledge import MIN_REASON
from breakwater_guards.engine import examine
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.report import Report
from breakwater_guards.rule import Rule
from guards_testing.build import nested, template, write
from guards_testing.rules import judged, thing, three_rules

REASON = "the old system stays until the end of 2030"


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    """Put three rules in place of the package's own."""
    only = three_rules()
    monkeypatch.setattr(engine, "all_rules", lambda: only)
    return only


def test_acknowledged_in_the_resource() -> None:
    metadata = {"breakwater:guards": {"DR-BAD-01": f"  {REASON} "}}
    report = judged(template({"R": thing(_Metadata=metadata), "S": thing()}, Description="x"))
    assert [item.resource for item in report.findings] == ["S"]
    assert [(item.finding.resource, item.reason) for item in report.acknowledged] == [("R", REASON)]
    assert report.notices == ()


def test_acknowledged_for_a_template() -> None:
    metadata = {"breakwater:guards": {"DR-BAD-01": REASON, "DR-BAD-02": REASON}}
    report = judged(template({"R": thing(), "S": thing()}, Metadata=metadata))
    assert report.findings == ()
    assert [item.finding.resource for item in report.acknowledged] == ["", "R", "S"]


def test_acknowledgement_of_another_rule_does_not_count() -> None:
    metadata = {"breakwater:guards": {"DR-BAD-02": REASON}}
    report = judged(template({"R": thing(_Metadata=metadata)}, Description="x"))
    assert [item.rule for item in report.findings] == ["DR-BAD-01"]


@pytest.mark.parametrize(
    ("written", "notice"),
    [
        ({"DR-NONE-01": REASON}, "template R: acknowledges 'DR-NONE-01', which is not a rule"),
        (
            {"DR-BAD-01": "x" * (MIN_REASON - 1)},
            "template R: the acknowledgement of DR-BAD-01 does not count: its reason has less than 20 characters",
        ),
        (
            {"DR-BAD-01": " " * 50},
            "template R: the acknowledgement of DR-BAD-01 does not count: its reason has less than 20 characters",
        ),
        (
            {"DR-BAD-01": ["x"]},
            "template R: the acknowledgement of DR-BAD-01 does not count: its reason has less than 20 characters",
        ),
        (["DR-BAD-01"], "template R: Metadata breakwater:guards is no mapping of rule ids to reasons: ignored"),
    ],
    ids=str,
)
def test_acknowledgement_that_does_not_count(written: Any, notice: str) -> None:
    report = judged(template({"R": thing(_Metadata={"breakwater:guards": written})}, Description="x"))
    assert [item.rule for item in report.findings] == ["DR-BAD-01"]
    assert report.notices == (notice,)


def test_acknowledgement_in_a_template_made_twice_is_reported_once() -> None:
    child = template({"R": thing(_Metadata={"breakwater:guards": {"DR-NONE-01": REASON}})})
    top = template({"One": nested("child"), "Two": nested("child")})
    assert len(examine(Assembly({"top": top, "child": child})).notices) == 1


def test_metadata_of_the_wrong_type_is_none() -> None:
    assert judged(template({"R": thing(_Metadata=["x"])}, Metadata="x", Description="x")).notices == ()


def recorded(folder: Path, path: str, entries: Any, *, extra: bool = True) -> Report:
    """Judge a cloud assembly in which CDK recorded acknowledgements at a construct."""
    at_construct = {path: [{"type": "aws:cdk:acknowledged-rules", "data": entries}, {"type": "x"}, 5], "/other": 5}
    artifact = {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": "Main.template.json"},
        "displayName": "App/Main",
    }
    artifact |= {"additionalMetadataFile": "Main.metadata.json"} if extra else {"metadata": at_construct}
    document = template({"R": thing(_Metadata={"aws:cdk:path": "App/Main/Data/Thing/Resource"})})
    manifest = {"version": "55.0.0", "artifacts": {"Main": artifact}}
    write(folder, manifest__json=manifest, Main__template__json=document, Main__metadata__json=at_construct)
    return examine(folder)


@pytest.mark.parametrize("extra", [True, False], ids=["in a file", "in the manifest"])
@pytest.mark.parametrize(
    ("path", "open_rules"),
    [
        ("/App/Main/Data/Thing/Resource", ["DR-BAD-02"]),
        ("/App/Main/Data/Thing", ["DR-BAD-02"]),
        ("/App/Main/Data", ["DR-BAD-02"]),
        ("/App/Main", []),
        ("/App/Main/Data/Thi", ["DR-BAD-01", "DR-BAD-02"]),
        ("/App/Main/Data/Thing/Resource/Deeper", ["DR-BAD-01", "DR-BAD-02"]),
        ("/App/Other", ["DR-BAD-01", "DR-BAD-02"]),
    ],
)
def test_acknowledged_at_a_construct(tmp_path: Path, path: str, open_rules: list[str], extra: bool) -> None:
    entries = {f"breakwater-guards::{rule_id}": REASON for rule_id in ("DR-BAD-01", "DR-BAD-02")}
    report = recorded(tmp_path, path, entries, extra=extra)
    assert sorted(item.rule for item in report.findings) == open_rules
    assert {item.reason for item in report.acknowledged} <= {REASON}
    assert report.path == tmp_path


def test_acknowledgement_at_a_construct_that_does_not_count(tmp_path: Path) -> None:
    entries = {
        "breakwater-guards::DR-NONE-01": REASON,
        "breakwater-guards::DR-BAD-01": 5,
        "DR-BAD-01": REASON,
        "CloudFormation-Validate::F3002": "",
    }
    report = recorded(tmp_path, "/App/Main", entries)
    assert len(report.findings) == 2
    assert report.notices == (
        "construct App/Main (breakwater-guards::DR-NONE-01): acknowledges 'DR-NONE-01', which is not a rule",
        (
            "construct App/Main (breakwater-guards::DR-BAD-01): the acknowledgement of DR-BAD-01 does not count: "
            "its reason has less than 20 characters"
        ),
    )


def test_records_of_the_wrong_type(tmp_path: Path) -> None:
    assert recorded(tmp_path, "/App/Main", ["breakwater-guards::DR-BAD-01"]).notices == ()
