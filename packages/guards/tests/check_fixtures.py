"""Compliant fixtures are deployable in the eyes of cdk-preflight; it takes a minute, so `make compare` runs it."""

from __future__ import annotations

from pathlib import Path

from breakwater_guards import check
from breakwater_guards.rule import Severity

FIXTURES = Path(__file__).parent / "fixtures"
OPEN = "holds what only the deployment decides, or what a macro adds, in place of a value"
RANGE = "names a port of a containerPortRange: AWS documents neither that a balancer may nor that it may not"
OFF = "its rule is disabled, so nothing is delivered"
FILLED = "holds what a tool replaces before AWS sees it"
TEXT = "has a boolean as text, which CloudFormation converts"
# What cdk-preflight takes for not deployable in a fixture called good…, and why it stays so.
NOT_DEPLOYABLE = {
    "DR-ACCESS-02--good-open-key.yaml": OPEN,
    "DR-BACKUP-12--good-open.yaml": OPEN,
    "DR-ECS-12--good-range.yaml": RANGE,
    "DR-ECS-12--good-unknown-name.yaml": OPEN,
    "DR-KMS-03--good-unknown.yaml": OPEN,
    "DR-LAMBDA-01--good-unknown.yaml": OPEN,
    "DR-LAMBDA-07--good-own-macro.yaml": OPEN,
    "DR-LAMBDA-07--good-placeholder.yaml": FILLED,
    "DR-LAMBDA-07--good-stand-in.yaml": FILLED,
    "DR-LIMIT-03--good-open.yaml": FILLED,
    "DR-LIMIT-03--good-part-of-an-app.yaml": FILLED,
    "DR-LOGS-01--good-unknown.yaml": OPEN,
    "DR-ROUTE53-07--good-alias.yaml": TEXT,
    "DR-ROUTE53-07--good-unknown.yaml": OPEN,
    "DR-SNS-02--good-no-service-writes.yaml": OFF,
}


def test_good_fixtures_are_deployable_in_the_eyes_of_cdk_preflight(tmp_path: Path) -> None:
    for path in FIXTURES.glob("*/good*"):
        if path.is_file():
            (tmp_path / f"{path.parent.name}--{path.name}").write_bytes(path.read_bytes())
    report = check(tmp_path, rules=["DR-NET-01"], tools=["cdk-preflight"])
    assert {item.template for item in report.findings if item.tool and item.severity is Severity.ERROR} == set(
        NOT_DEPLOYABLE
    )
