"""Every rule: compliant and non-compliant fixtures in several spellings.

Fixtures live in ``fixtures/<rule id>/``: a file or folder that begins with ``bad`` must give the rule's finding, one
that begins with ``good`` must not. The rest of a name says the spelling, e.g. ``bad-ref.yaml`` or the folder
``bad-nested``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules
from breakwater_guards.rule import Severity

FIXTURES = Path(__file__).parent / "fixtures"
RULES = all_rules()
CASES = [(path.parent.name, path) for path in sorted(FIXTURES.glob("*/*"))]


def _profile(rule: str) -> Profile:
    return Profile.SINGLE_REGION if Profile.SINGLE_REGION in RULES[rule].profiles else Profile.MULTI_REGION


OPEN = "holds what only the deployment decides, or what a macro adds, in place of a value"
EDGE = "shows that the rule is silent about a defect of another kind"
BARE = "has only what the rule reads: it stands for many resources in one file"
# What cdk-preflight takes for not deployable in a fixture called good…, and why it stays so.
NOT_DEPLOYABLE = {
    "DR-ACCESS-02--good-open-key.yaml": OPEN,
    "DR-ALB-06--good-rule.yaml": BARE,
    "DR-BACKUP-12--good-open.yaml": OPEN,
    "DR-ECS-04--good-other-driver.yaml": EDGE,
    "DR-ECS-10--good-code-deploy.yaml": BARE,
    "DR-ECS-12--good-range.yaml": EDGE,
    "DR-ECS-12--good-unknown-name.yaml": OPEN,
    "DR-ECS-13--good-ec2.yaml": BARE,
    "DR-ECS-13--good-one-choice.yaml": BARE,
    "DR-ECS-13--good-units.yaml": BARE,
    "DR-ECS-13--good.yaml": BARE,
    "DR-EVENTS-01--good-operators.yaml": EDGE,
    "DR-HYGIENE-05--good-every-kind.yaml": BARE,
    "DR-IAM-01--good-many.yaml": EDGE,
    "DR-KMS-02--good-symmetric.yaml": EDGE,
    "DR-KMS-03--good-unknown.yaml": OPEN,
    "DR-LAMBDA-01--good-unknown.yaml": OPEN,
    "DR-LAMBDA-07--good-own-macro.yaml": OPEN,
    "DR-LOGS-01--good-unknown.yaml": OPEN,
    "DR-LOGS-04--good-elsewhere.yaml": EDGE,
    "DR-ORDER-01--good-elsewhere.yaml": BARE,
    "DR-ROUTE53-07--good-alias.yaml": EDGE,
    "DR-ROUTE53-07--good-unknown.yaml": OPEN,
    "DR-SNS-01--good-everybody.yaml": EDGE,
    "DR-SNS-02--good-no-service-writes.yaml": EDGE,
    "DR-SNS-06--good-met-conditions.yaml": BARE,
    "DR-SNS-06--good.yaml": BARE,
}


def test_good_fixtures_are_deployable_in_the_eyes_of_cdk_preflight(tmp_path: Path) -> None:
    for rule, path in CASES:
        if path.name.startswith("good") and path.is_file():
            (tmp_path / f"{rule}--{path.name}").write_bytes(path.read_bytes())
    report = check(tmp_path, rules=["DR-NET-01"], tools=["cdk-preflight"])
    assert {item.template for item in report.findings if item.tool and item.severity is Severity.ERROR} == set(
        NOT_DEPLOYABLE
    )


@pytest.mark.parametrize(("rule", "path"), CASES, ids=[f"{rule}-{path.name}" for rule, path in CASES])
def test_fixture(rule: str, path: Path) -> None:
    report = check(path, rules=[rule], profile=_profile(rule))
    if path.name.startswith("bad"):
        assert report.findings, "the defect is not found"
        for finding in report.findings:
            assert finding.rule == rule
            assert finding.message
            assert finding.resource or not finding.path
            _assert_no_inner_wildcard(finding.message, path)
    else:
        assert path.name.startswith("good"), "fixtures are called bad… or good…"
        assert not report.findings, report.findings


def _assert_no_inner_wildcard(message: str, path: Path) -> None:
    """Refuse a wildcard inside a value, with which rules compare what is not known, unless the template has it."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    written = "".join(file.read_text(encoding="utf-8", errors="ignore") for file in files)
    words = [word.strip("'\".,;:()") for word in message.split()]
    assert not [word for word in words if "*" in word[:-1] and word not in written], message


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_fixtures_on_both_sides(rule: str) -> None:
    names = [path.name for path in (FIXTURES / rule).iterdir()]
    assert sum(name.startswith("bad") for name in names) >= 2, "at least two spellings of the defect"
    assert sum(name.startswith("good") for name in names) >= 1


def test_every_fixture_folder_is_a_rule() -> None:
    assert {path.name for path in FIXTURES.iterdir()} <= set(RULES)
