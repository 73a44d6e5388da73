"""cdk-nag over the real app: clean, with narrow acknowledgements, and red when a protection goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from app import register_nag
from scripts.scan import nag
from scripts.scan.__main__ import ENVIRONMENTS, synthesize
from scripts.scan.model import SHORTEST_REASON, ScanResult, Subject, Template
from stacks.common.acknowledgements import PACKS
from stacks.platform import create_app
from stacks.profiles import PROFILES, cdk_context
from stacks.settings import load_settings

REASON = "a reason that is long enough for anybody to disprove it"
PATH = "Breakwater-eu1/Storage/DataBucket/Resource"
RULE = "AwsSolutions::AwsSolutions-S1"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ScanResult]:
    """Run cdk-nag over each environment."""
    found = synthesize(ENVIRONMENTS, tmp_path_factory.mktemp("nag"), lambda _: None)
    # Where CDK kept no record, a needless acknowledgement could not be told from none at all.
    assert all(len(list(nag.records(subject.folder))) > len(PACKS) for subject in found)
    return {subject.environment: nag.scan(subject) for subject in found}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_finding_has_a_reason_and_every_reason_a_finding(
    results: dict[str, ScanResult], environment: str
) -> None:
    assert results[environment].failed == ()
    assert results[environment].passed > 80


@pytest.mark.parametrize("profile", sorted(PROFILES.keys() - set(ENVIRONMENTS)))
def test_other_settings_need_a_reason_for_each_finding_too(profile: str, tmp_path: Path) -> None:
    context = {**cdk_context(), "@aws-cdk/core:failSynthOnValidationErrors": False}
    app, root = create_app(load_settings(PROFILES[profile]), context=context, outdir=str(tmp_path))
    register_nag(app)
    app.synth()
    template = Template(profile, "Root", root.region, tmp_path / root.template_file)
    result = nag.scan(Subject(profile, tmp_path, (template,)))
    assert result.failed == ()
    assert len(result.acknowledged) > 10


def test_prod_needs_few_acknowledgements_and_the_fewest(results: dict[str, ScanResult]) -> None:
    accepted = [entry.finding for entry in results["prod"].acknowledged]
    # A rule that reports several patterns of one policy is one rule on one construct.
    underlying = {(finding.where, finding.rule.split("-", 1)[1].split("[")[0]) for finding in accepted}
    solutions = {
        (finding.where, finding.rule.split("[")[0]) for finding in accepted if finding.rule.startswith("AwsSolutions-")
    }
    assert len(solutions) <= 10
    assert len(underlying) <= 41
    assert len(accepted) == min(len(result.acknowledged) for result in results.values())


def test_every_acknowledgement_is_of_one_resource_in_a_nested_stack(results: dict[str, ScanResult]) -> None:
    for result in results.values():
        for entry in result.acknowledged:
            assert entry.finding.where.count("/") >= 1
            assert len(entry.reason) >= SHORTEST_REASON


def test_a_protection_that_goes_turns_it_red(tmp_path: Path) -> None:
    context = {**cdk_context(), "@aws-cdk/core:failSynthOnValidationErrors": False}
    app, root = create_app(load_settings(PROFILES["prod"]), context=context, outdir=str(tmp_path))
    public = s3.CfnBucket.PublicAccessBlockConfigurationProperty(block_public_acls=False, block_public_policy=False)
    for construct, attribute, value in (
        (root.storage.data_bucket, "public_access_block_configuration", public),
        (root.monitoring.topic, "kms_master_key_id", None),
        (root.database.aurora.cluster, "deletion_protection", False),
    ):
        # Not an override: cdk-nag reads the constructs and does not see those.
        setattr(construct.node.default_child, attribute, value)
    everything = iam.PolicyStatement(actions=["s3:*"], resources=["*"])
    root.compute.tasks.task_role.add_to_principal_policy(everything)
    register_nag(app)
    app.synth()
    template = Template("prod", "Root", "us-east-1", tmp_path / root.template_file)
    failed = nag.scan(Subject("prod", tmp_path, (template,))).failed
    found = {(finding.where, finding.rule) for finding in failed}
    assert ("Storage/DataBucket/Resource", "NIST.800.53.R5-S3BucketLevelPublicAccessProhibited") in found
    assert ("Database/Cluster/Default/Resource", "AwsSolutions-RDS10") in found
    assert ("Compute/TaskDefinition/TaskRole/DefaultPolicy/Resource", "AwsSolutions-IAM5[Action::s3:*]") in found
    assert ("Monitoring/AlertTopic/Default/Resource", "NIST.800.53.R5-SNSEncryptedKMS") in found


@pytest.mark.parametrize(
    ("path", "rule", "reason", "finding"),
    [
        (PATH, "AwsSolutions-S1", REASON, "is not qualified"),
        (PATH, "AwsSolutions::S1", REASON, "is not qualified"),
        (PATH, "AwsSolutions::NIST.800.53.R5-S1", REASON, "is not qualified"),
        ("", RULE, REASON, "for the whole of the app"),
        ("Breakwater-eu1", RULE, REASON, "for the whole of Breakwater-eu1"),
        ("Breakwater-eu1/Storage", RULE, REASON, "for the whole of Breakwater-eu1/Storage"),
        (PATH, RULE, "false alarm", "has 11 characters"),
        (PATH, RULE, f"{'false alarm':<60}", "has 11 characters"),
        (PATH, RULE, REASON, "no longer occurs"),
    ],
)
def test_an_acknowledgement_that_does_not_hold_is_a_finding(path: str, rule: str, reason: str, finding: str) -> None:
    (found,) = nag.unsound([(path, rule, reason)], set())
    assert finding in found.message


def test_an_acknowledgement_that_holds_is_none() -> None:
    assert nag.unsound([(PATH, RULE, REASON)], {(PATH, RULE)}) == []
    assert nag.unsound([("Breakwater-eu1", "CloudFormation-Validate::F3002", "CDK's own")], set()) == []
