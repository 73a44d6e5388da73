"""The engine: which rules run, what a finding says, acknowledgements, rules that fail, facts that age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import Finding, engine, rule
from breakwater_guards import rules as rule_modules
from breakwater_guards.acknowledge import MIN_REASON
from breakwater_guards.engine import RuleError, UnknownRuleError, check, examine, select
from breakwater_guards.facts import dated, facts, freshness
from breakwater_guards.facts.clock import pinned, today
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Reference, Text
from breakwater_guards.reading.files import InputError
from breakwater_guards.rule import Breach, Profile, Rule, Severity, breach, show
from guards_testing.build import nested, resource, template, write

PACKAGE = engine.all_rules()
REASON = "the old system stays until the end of 2030"
KIND = "AWS::Test::Thing"


def made(rule_id: str, check: Any, **more: Any) -> Rule:
    texts = {
        "title": "t",
        "prevents": "p",
        "fix": "Mend it.",
        "sources": ("https://example.com/a", "https://example.com/b"),
    }
    return Rule(id=rule_id, check=check, **{"severity": Severity.ERROR, **texts, **more})


def bad_property(app: Assembly) -> Iterator[Breach]:
    for item in app.of_type(KIND):
        if "bad" in item.given("P"):
            yield breach(item, "P", "'bad' is not allowed.")


def whole_template(app: Assembly) -> Iterator[Breach]:
    for item in app.templates.values():
        if "Description" not in item.document:
            yield Breach(template=item, resource=None, path="Description", message="is missing")


def failing(app: Assembly) -> Iterator[Breach]:
    yield from bad_property(app)
    raise KeyError("line one\nline two")


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    """Three rules in place of the package's own."""
    only = {
        "DR-BAD-01": made("DR-BAD-01", bad_property),
        "DR-BAD-02": made("DR-BAD-02", whole_template, severity=Severity.WARNING),
        "DR-WIDE-01": made("DR-WIDE-01", bad_property, profiles=frozenset({Profile.MULTI_REGION})),
    }
    monkeypatch.setattr(engine, "all_rules", lambda: only)
    return only


def thing(**more: Any) -> dict[str, Any]:
    return resource(KIND, P="bad", **more)


def judged(document: dict[str, Any], **options: Any) -> engine.Report:
    return examine(Assembly.from_document(document), **options)


def test_finding_says_where_what_and_why() -> None:
    metadata = {"aws:cdk:path": "App/Thing/Resource"}
    report = judged(template({"R": thing(_Metadata=metadata)}), rules=["DR-BAD-01"])
    (finding,) = report.findings
    assert finding == Finding(
        rule="DR-BAD-01",
        severity=Severity.ERROR,
        template="template",
        resource="R",
        path="P",
        message="'bad' is not allowed.",
        fix="Mend it.",
        source="https://example.com/a",
        construct="App/Thing/Resource",
    )
    assert [item.id for item in report.rules] == ["DR-BAD-01"]
    assert report.path is None


def test_long_messages_are_cut(rules: dict[str, Rule]) -> None:
    rules["DR-BAD-01"] = made("DR-BAD-01", lambda app: iter([breach(next(app.of_type(KIND)), "P", "x" * 9999)]))
    (finding,) = judged(template({"R": thing()}), rules=["DR-BAD-01"]).findings
    assert finding.message == "x" * 2000 + "…"


def test_order_is_by_place() -> None:
    report = judged(template({"B": thing(), "A": thing()}))
    assert [(item.resource, item.rule) for item in report.findings] == [
        ("", "DR-BAD-02"),
        ("A", "DR-BAD-01"),
        ("B", "DR-BAD-01"),
    ]


def test_stacks_made_from_one_template_share_a_finding() -> None:
    top = template({"One": nested("child"), "Two": nested("child")}, Description="x")
    report = check(Assembly({"top": top, "child": template({"R": thing()}, Description="x")}))
    assert [(item.template, item.resource) for item in report.findings] == [("child", "R")]


@pytest.mark.parametrize(
    ("patterns", "profile", "expected"),
    [
        ([], Profile.SINGLE_REGION, ["DR-BAD-01", "DR-BAD-02"]),
        ([], Profile.MULTI_REGION, ["DR-BAD-01", "DR-BAD-02", "DR-WIDE-01"]),
        (["dr-bad"], Profile.SINGLE_REGION, ["DR-BAD-01", "DR-BAD-02"]),
        (["DR-BAD-02", "DR-WIDE"], Profile.MULTI_REGION, ["DR-BAD-02", "DR-WIDE-01"]),
        (["DR-WIDE"], Profile.SINGLE_REGION, []),
    ],
)
def test_selection(patterns: list[str], profile: Profile, expected: list[str]) -> None:
    assert [item.id for item in select(patterns, profile)] == expected


def test_selection_of_nothing() -> None:
    with pytest.raises(UnknownRuleError, match="--rules DR-NONE: no rule id begins like this"):
        select(["DR-BAD-01", "DR-NONE"], Profile.SINGLE_REGION)


def test_failed_at_a_severity() -> None:
    warning = judged(template({"R": resource()}))
    assert warning.failed()
    assert not warning.failed(Severity.ERROR)
    error = judged(template({"R": thing()}, Description="x"))
    assert error.failed()
    assert error.failed(Severity.ERROR)
    assert not judged(template({"R": resource()}, Description="x")).failed()


# Rules that fail


def test_a_rule_that_fails_hides_nothing(rules: dict[str, Rule]) -> None:
    rules["DR-ALL-01"] = made("DR-ALL-01", failing)
    rules["DR-ALL-02"] = made("DR-ALL-02", lambda _: 1 / 0)
    report = judged(template({"R": thing()}, Description="x"))
    assert sorted(item.rule for item in report.findings) == ["DR-ALL-01", "DR-BAD-01"]
    assert sorted(map(str, report.unjudged)) == [
        "could not judge: rule DR-ALL-01 failed (KeyError: 'line one\\nline two')",
        "could not judge: rule DR-ALL-02 failed (ZeroDivisionError: division by zero)",
    ]


def test_check_raises_when_a_rule_fails(rules: dict[str, Rule]) -> None:
    """Otherwise a test that asserts that there are no findings would pass."""
    rules["DR-ALL-01"] = made("DR-ALL-01", failing)
    with pytest.raises(RuleError, match="could not judge: rule DR-ALL-01 failed") as caught:
        check(Assembly.from_document(template({"R": resource()}, Description="x")))
    assert isinstance(caught.value.__cause__, KeyError)
    assert isinstance(caught.value, InputError)
    assert str(engine.Unjudged(rule="DR-X-01", error=RecursionError())) == (
        "could not judge: rule DR-X-01 failed (RecursionError)"
    )


# Acknowledgements


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


def recorded(folder: Path, path: str, entries: Any, *, extra: bool = True) -> engine.Report:
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


# Declarations


def test_declaration_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_RULES", {})
    texts = {"title": "t", "prevents": "p", "fix": "f"}
    declare = rule.rule("DR-X-01", sources=("https://example.com",), **texts)
    assert declare(bad_property) is bad_property
    assert rule.declared_rules()["DR-X-01"].check is bad_property
    for rule_id, sources in (("DR-X-01", ("s",)), ("DR-x-01", ("s",)), ("DR-X-1", ("s",)), ("DR-X-02", ())):
        with pytest.raises(ValueError, match=f"rule '{rule_id}'"):
            rule.rule(rule_id, sources=sources, **texts)(bad_property)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        (5, "5"),
        (ABSENT, "not set"),
        (UNKNOWN, "unknown"),
        (Reference("t", "R"), "R"),
        (Reference("t", "R", "Arn"), "R.Arn"),
        (Opaque("zone", "1"), "zone"),
        (Text(("a-", UNKNOWN)), "'a-*'"),
        ("x" * 1000, "'" + "x" * 299 + "…"),
    ],
    ids=str,
)
def test_show(value: Any, text: str) -> None:
    assert show(value) == text


# The package's own rules and facts


def test_rules_are_complete() -> None:
    for item in PACKAGE.values():
        assert item.title, item.id
        assert item.prevents, item.id
        assert item.fix.endswith("."), item.id
        assert all(source.startswith("https://") for source in item.sources), item.id
        if item.data:
            assert dated(item.data) <= today(), item.id
            assert facts(item.data)["sources"], item.id


def test_old_facts_are_reported(rules: dict[str, Rule]) -> None:
    with_data = [made("DR-OLD-01", bad_property, data="fargate"), made("DR-OLD-02", bad_property, data="fargate")]
    taken = dated("fargate")
    with pinned(taken + timedelta(days=freshness.MAX_AGE_DAYS)):
        assert list(freshness.stale_data(with_data)) == []
    with pinned(taken + timedelta(days=freshness.MAX_AGE_DAYS + 1)):
        assert list(freshness.stale_data(with_data)) == [
            "facts in facts/data/fargate.json are 181 days old: run `python -m breakwater_guards.facts.refresh`"
        ]
        assert list(freshness.stale_data(rules.values())) == []


def test_every_module_of_rules_is_found() -> None:
    folder = Path(rule_modules.__path__[0])
    declaring = [file for file in folder.rglob("*.py") if "\n@rule(" in file.read_text(encoding="utf-8")]
    names = {".".join(file.relative_to(folder).with_suffix("").parts) for file in declaring}
    assert {item.check.__module__.removeprefix(f"{rule_modules.__name__}.") for item in PACKAGE.values()} == names
    assert list(PACKAGE) == sorted(PACKAGE)
