"""The policies for CloudFormation's execution role: all that the templates need, from the schemas and the reference."""

from __future__ import annotations

import fnmatch
import json
import re
from pathlib import Path

import pytest

from ops.preflight.checks.account import ROLES
from scripts import bootstrap_policy
from scripts.bootstrap_policy import LISTED, Created, actions, handled, is_used, privilege, template
from stacks import profiles
from tests.assembly import assembly
from tests.scripts.bootstrap import BOUNDARY, ROLE, everything, granted, policies, rows

# Named by the schemas, unknown to the Service Authorization Reference: no policy can grant them.
NO_ACTIONS = {
    "backup-storage:Mount",
    "elasticloadbalancing:SetWebACL",  # as SetWebAcl, which is needed
    "lambda:AssociateRuntimeAlias",
    "s3:DeleteBucketAnalyticsConfiguration",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketEncryption",
    "s3:DeleteBucketLifecycle",
    "s3:DeleteBucketMetricsConfiguration",
    "s3:PutObjectLockConfiguration",
}


def test_the_committed_bootstrap_policy_is_fresh() -> None:
    committed = bootstrap_policy.TEMPLATE.read_text(encoding="utf-8")
    assert committed == json.dumps(template(everything()), indent=1) + "\n", "run `make bootstrap-policy`"


def test_cloudformation_and_iam_take_the_template() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert bootstrap_policy.TEMPLATE.stat().st_size < 51_200
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: ten policies for a role
    assert 1 <= len(policies().attached[ROLE]) <= 10
    for boundary in ("", BOUNDARY):
        for name, document in policies(boundary).documents.items():
            assert len(re.sub(r"\s", "", json.dumps(document))) <= 6144, name


def test_every_action_exists() -> None:
    known = {action for action in granted() if privilege(action)}
    assert granted() - known == {"application-autoscaling:Describe*", "dynamodb:Describe*"}
    used = {action for kind in everything().types for action in handled(kind) if is_used(action)}
    assert {action for action in used if not action.endswith("*") and not privilege(action)} == NO_ACTIONS


def test_every_type_has_what_it_needs() -> None:
    for kind in everything().types:
        assert actions([kind]), kind
        assert actions([kind]) <= granted() | {bootstrap_policy.UNBIND}, kind


def test_drift_detection_may_read_every_resource_and_change_none() -> None:
    (statement,) = policies().documents["Drift"]["Statement"]
    names = statement["Action"]
    wanted = {name for kind in everything().types for name in handled(kind, "read") if is_used(name)}
    writing = {"cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift"}
    levels = {name: (privilege(name) or {"access_level": "Read"})["access_level"] for name in names}
    assert {name for name, level in levels.items() if level not in ("List", "Read")} <= writing
    # Handlers name what they would repair or use as well.
    left = {name for name in wanted - set(names) if privilege(name)}
    assert not {name for name in left if (privilege(name) or {})["access_level"] in ("List", "Read")}
    assert {"rds:DescribeDBClusters", "dynamodb:Describe*", "cloudformation:DescribeStackResourceDrifts"} <= set(names)


def test_a_type_that_no_template_creates_leaves_nothing_behind() -> None:
    without = json.dumps(template(everything("AWS::FIS::ExperimentTemplate", "AWS::WAFv2::WebACL")))
    assert '"fis:' not in without
    assert '"wafv2:CreateWebACL"' not in without
    assert '"fis:CreateExperimentTemplate"' in json.dumps(template(everything()))


def test_what_an_action_asks_for_in_addition_is_granted_or_has_a_reason() -> None:
    for action in granted():
        others = {other for row in rows(action).values() for other in row["dependent_actions"]}
        assert not {other for other in others - granted() if is_used(other)}, action


def test_nothing_is_listed_that_is_not_there() -> None:
    types = everything().types
    asked = {action for kind in types for action in handled(kind)}
    asked |= {other for action in granted() for row in rows(action).values() for other in row["dependent_actions"]}
    assert [pattern for pattern in LISTED["not_used"] if not fnmatch.filter(asked, pattern)] == []
    assert all(len(reason) > 20 for reason in LISTED["not_used"].values())
    assert {*LISTED["needed"], *LISTED["service_linked_roles"]} <= types
    kinds = {f"{action.partition(':')[0]}:{kind}" for action in granted() for kind in rows(action)}
    assert set(LISTED["resources"]) <= kinds


def test_every_service_whose_role_preflight_looks_for_may_get_it() -> None:
    linked = {kind.split("::")[1] for kind in LISTED["service_linked_roles"]}
    assert {kind.split("::")[1] for kind in ROLES} <= linked
    for action in bootstrap_policy.BOUNDED:
        assert "iam:PermissionsBoundary" in rows(action)[""]["condition_keys"]


def test_the_bootstrap_policy_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "bootstrap-policy.json"
    monkeypatch.setattr(bootstrap_policy, "TEMPLATE", target)
    monkeypatch.setattr(profiles, "PROFILES", {"dev": {}})
    assert bootstrap_policy.main() == 0
    found = Created()
    for view in assembly("dev").templates.values():
        found.add(view.document)
    assert json.loads(target.read_text(encoding="utf-8")) == template(found)
    assert "types, " in capsys.readouterr().out
