"""The engine: which rules run, in which order findings come, and rules that fail."""

from __future__ import annotations

import pytest

from breakwater_guards import Finding, engine
from breakwater_guards.engine import RuleError, UnknownRuleError, check, select
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.files import InputError
from breakwater_guards.report import Unjudged
from breakwater_guards.rule import Profile, Rule, Severity, breach
from guards_testing.build import nested, resource, template
from guards_testing.rules import KIND, failing, judged, made, thing, three_rules


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    """Put three rules in place of the package's own."""
    only = three_rules()
    monkeypatch.setattr(engine, "all_rules", lambda: only)
    return only


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
    assert str(Unjudged(rule="DR-X-01", error=RecursionError())) == (
        "could not judge: rule DR-X-01 failed (RecursionError)"
    )
