"""The CDK plugin in a process of its own, as `cdk synth` starts an app: its exit status is what stops a deployment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from breakwater_guards.engine import all_rules
from guards_testing.process import python

RULE = "DR-ROUTE53-01"
REASON = "delegated to us by the owner of the domain"
PROGRAM = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_route53 as route53
from breakwater_guards.plugin import GuardsPlugin

folder, *acknowledged = sys.argv[1:]
app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False, outdir=folder)
nested = cdk.NestedStack(cdk.Stack(app, "Root", env=cdk.Environment(region="us-east-1")), "Dns")
zone = route53.CfnHostedZone(nested, "Zone", name="example.com.")
if acknowledged:
    cdk.Validations.of(zone).acknowledge(cdk.Acknowledgment(id=acknowledged[0], reason=acknowledged[1]))
cdk.Validations.of(app).add_plugins(GuardsPlugin())
app.synth()
"""


def _synth(folder: Path, *acknowledged: str) -> subprocess.CompletedProcess[str]:
    return python("-c", PROGRAM, str(folder), *acknowledged)


@pytest.mark.parametrize(
    "acknowledged", [(), (RULE, REASON), (f"breakwater-guards::{RULE}", "known")], ids=["none", "unqualified", "short"]
)
def test_an_error_in_a_nested_stack_fails_the_process(tmp_path: Path, acknowledged: tuple[str, ...]) -> None:
    done = _synth(tmp_path, *acknowledged)
    assert done.returncode != 0
    shown = " ".join((done.stdout + done.stderr).split())
    assert RULE in shown
    if not acknowledged:
        assert "Root/Dns/Zone" in shown
        assert all_rules()[RULE].fix in shown


def test_a_qualified_acknowledgement_with_a_reason_lets_it_pass(tmp_path: Path) -> None:
    done = _synth(tmp_path, f"breakwater-guards::{RULE}", REASON)
    assert done.returncode == 0, done.stderr
