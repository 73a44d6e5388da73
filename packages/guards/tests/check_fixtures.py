"""Compliant fixtures are deployable in the eyes of cdk-preflight; it takes a minute, so `make compare` runs it."""

from __future__ import annotations

from pathlib import Path

from breakwater_guards import check
from breakwater_guards.rule import Severity

FIXTURES = Path(__file__).parent / "fixtures"
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
    for path in FIXTURES.glob("*/good*"):
        if path.is_file():
            (tmp_path / f"{path.parent.name}--{path.name}").write_bytes(path.read_bytes())
    report = check(tmp_path, rules=["DR-NET-01"], tools=["cdk-preflight"])
    assert {item.template for item in report.findings if item.tool and item.severity is Severity.ERROR} == set(
        NOT_DEPLOYABLE
    )
