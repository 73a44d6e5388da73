"""The CDK plugin: a synth fails on an error in a nested stack, and passes once somebody takes responsibility for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from breakwater_guards import __version__, check, engine
from breakwater_guards.engine import all_rules
from breakwater_guards.plugin import UNJUDGED, VOID, GuardsPlugin
from breakwater_guards.reading.acknowledged import PLUGIN, QUALIFIER
from breakwater_guards.rule import Profile

RESERVED = "DR-ROUTE53-01"
REASON = "delegated to us by the owner of the domain"


class Synthesized:
    """A root stack with a nested one that holds a hosted zone.

    Args:
        folder: where the assembly goes.
        domain: of the zone; AWS reserves the one that is used when none is given.
    """

    def __init__(self, folder: Path, domain: str = "example.com.") -> None:
        # Without this flag CDK sets the exit code of this process; the report says the same.
        context = {"@aws-cdk/core:failSynthOnValidationErrors": False, "aws:cdk:enable-path-metadata": True}
        self.folder = folder
        self.app = cdk.App(
            analytics_reporting=False,
            builtin_cloud_formation_validation=False,
            context=context,
            outdir=str(folder),
        )
        self.nested = nested_stack(self.app)
        self.zone = route53.CfnHostedZone(self.nested, "Zone", name=domain)

    def report(self, profile: Profile = Profile.SINGLE_REGION, **options: Any) -> dict[str, Any]:
        """Synthesize, and return the plugin's part of the report; CDK leaves a plugin without violations out."""
        cdk.Validations.of(self.app).add_plugins(GuardsPlugin(profile, **options))
        self.app.synth()
        document = json.loads((self.folder / "validation-report.json").read_text(encoding="utf-8"))
        found = {report["pluginName"]: dict(report) for report in document["pluginReports"]}
        return found.get(PLUGIN, {"conclusion": "success", "violations": []})

    def violated(self, profile: Profile = Profile.SINGLE_REGION) -> list[str]:
        """Synthesize, and return the ids of the rules that the report names."""
        return [str(one["ruleName"]) for one in self.report(profile)["violations"]]


def nested_stack(scope: Construct) -> cdk.NestedStack:
    """Return a nested stack in a root stack."""
    return cdk.NestedStack(cdk.Stack(scope, "Root", env=cdk.Environment(region="us-east-1")), "Dns")


def test_an_error_in_a_nested_stack_is_reported_with_construct_and_fix(tmp_path: Path) -> None:
    report = Synthesized(tmp_path).report()
    (violation,) = report["violations"]
    assert report["conclusion"] == "failure"
    assert (violation["ruleName"], violation["severity"]) == (RESERVED, "error")
    assert "example.com" in violation["description"]
    assert all_rules()[RESERVED].fix in violation["suggestedFix"]
    (place,) = violation["violatingConstructs"]
    assert place["constructPath"] == "Root/Dns/Zone"
    assert place["cloudFormationResource"]["logicalId"] == "Zone"
    assert place["cloudFormationResource"]["propertyPaths"] == ["Properties/Name"]
    assert place["cloudFormationResource"]["templatePath"].endswith(".nested.template.json")


def test_nothing_to_report_is_a_success(tmp_path: Path) -> None:
    assert Synthesized(tmp_path, "breakwater.dev.").report() == {"conclusion": "success", "violations": []}


@pytest.mark.parametrize("place", ["zone", "nested"])
def test_a_qualified_acknowledgement_passes(tmp_path: Path, place: str) -> None:
    app = Synthesized(tmp_path)
    acknowledgement = cdk.Acknowledgment(id=f"{QUALIFIER}{RESERVED}", reason=REASON)
    cdk.Validations.of(getattr(app, place)).acknowledge(acknowledgement)
    assert app.report()["conclusion"] == "success"
    assert [one.reason for one in check(tmp_path).acknowledged] == [REASON]
    assert check(tmp_path).findings == ()


@pytest.mark.parametrize(
    ("rule", "reason", "violated"),
    [(RESERVED, "known", [VOID]), ("DR-ROUTE53-02", REASON, [RESERVED]), ("DR-ROUTE53-0", REASON, [RESERVED, VOID])],
    ids=["no-reason", "another-rule", "a-beginning"],
)
def test_other_acknowledgements_do_not(tmp_path: Path, rule: str, reason: str, violated: list[str]) -> None:
    app = Synthesized(tmp_path)
    cdk.Validations.of(app.zone).acknowledge(cdk.Acknowledgment(id=f"{QUALIFIER}{rule}", reason=reason))
    report = app.report()
    assert [one["ruleName"] for one in report["violations"]] == violated
    assert report["conclusion"] == "failure"


def test_warnings_are_reported_and_fail_nothing(tmp_path: Path) -> None:
    app = Synthesized(tmp_path, "breakwater.dev.")
    key = kms.Key(app.nested, "Key", enable_key_rotation=False, removal_policy=cdk.RemovalPolicy.RETAIN)
    report = app.report()
    assert [(one["ruleName"], one["severity"]) for one in report["violations"]] == [("DR-KMS-01", "warning")]
    assert report["conclusion"] == "success"
    assert report["violations"][0]["violatingConstructs"][0]["constructPath"] == f"{key.node.path}/Resource"


def test_stages_are_judged(tmp_path: Path) -> None:
    app = Synthesized(tmp_path, "breakwater.dev.")
    stage = cdk.Stage(app.app, "Production", env=cdk.Environment(region="us-east-1"))
    route53.CfnHostedZone(nested_stack(stage), "Zone", name="example.net.")
    assert app.violated() == [RESERVED]


def test_the_profile_decides_which_rules_run(tmp_path: Path) -> None:
    app = Synthesized(tmp_path, "breakwater.dev.")
    key = dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
    recovery = dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True)
    dynamodb.TableV2(app.nested, "Table", partition_key=key, point_in_time_recovery_specification=recovery)
    assert app.violated(Profile.MULTI_REGION) == ["DR-REGION-01"]
    assert "DR-REGION-01" not in GuardsPlugin().rule_ids
    assert check(tmp_path).findings == ()


def test_a_rule_that_fails_fails_the_synth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_run", lambda *_: ([], KeyError("Statement")))
    report = Synthesized(tmp_path, "breakwater.dev.").report()
    assert report["conclusion"] == "failure"
    assert {one["ruleName"] for one in report["violations"]} == {UNJUDGED}
    assert "could not judge: rule DR-ALB-01 failed (KeyError: 'Statement')" in json.dumps(report)


def test_a_rule_that_fails_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = engine._run
    monkeypatch.setattr(
        engine, "_run", lambda rule, app: ([], KeyError("x")) if rule.id == "DR-IAM-01" else run(rule, app)
    )
    assert Synthesized(tmp_path).violated() == [RESERVED, UNJUDGED]


@pytest.mark.parametrize(("strict", "severity"), [(False, "warning"), (True, "error")])
def test_a_policy_fails_a_strict_synth_only(tmp_path: Path, strict: bool, severity: str) -> None:
    app = Synthesized(tmp_path, "breakwater.dev.")
    kms.Key(app.nested, "Key", enable_key_rotation=False, removal_policy=cdk.RemovalPolicy.RETAIN)
    report = app.report(strict=strict)
    assert [(one["ruleName"], one["severity"]) for one in report["violations"]] == [("DR-KMS-01", severity)]
    assert report["conclusion"] == ("failure" if strict else "success")


def test_another_checker_sees_the_nested_stack_and_is_acknowledged_alike(tmp_path: Path) -> None:
    rule = "pf-wafv2-logging-destination"
    for name, accepted in (("open", False), ("accepted", True)):
        app = Synthesized(tmp_path / name, "breakwater.dev.")
        log = wafv2.CfnLoggingConfiguration(
            app.nested,
            "Log",
            resource_arn="arn:aws:wafv2:us-east-1:111111111111:regional/webacl/a/b",
            log_destination_configs=["arn:aws:logs:us-east-1:111111111111:log-group:orders"],
        )
        if accepted:
            cdk.Validations.of(log).acknowledge(cdk.Acknowledgment(id=f"{QUALIFIER}{rule}", reason=REASON))
        report = app.report(tools=["cdk-preflight"])
        assert [one["ruleName"] for one in report["violations"]] == ([] if accepted else [rule])
        assert report["conclusion"] == ("success" if accepted else "failure")


def test_name_and_version_are_those_of_the_package() -> None:
    plugin = GuardsPlugin()
    assert plugin.name == PLUGIN
    assert plugin.version == __version__
