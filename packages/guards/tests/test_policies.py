"""Policy documents: where they are found, how they are normalized, and what can be asked of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakwater_guards import check
from breakwater_guards.aws.policies import all_statements, statements_of
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.aws.statements import Statement, matches
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import UNKNOWN, Opaque, Text


def only(document: Any, kind: str = "AWS::KMS::Key", name: str = "KeyPolicy") -> Statement:
    resources = {"Holder": {"Type": kind, "Properties": {name: document}}}
    app = Assembly.from_document({"Parameters": {"Open": {"Type": "String"}}, "Resources": resources})
    (statement,) = all_statements(app)
    return statement


def allow(**elements: Any) -> dict[str, Any]:
    return {"Statement": {"Effect": "Allow", "Resource": "*", **elements}}


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ("kms:Decrypt", Answer.YES),
        ("KMS:decrypt", Answer.YES),
        ("kms:*", Answer.YES),
        ("*", Answer.YES),
        ("kms:De?rypt", Answer.YES),
        ("kms:D*t", Answer.YES),
        ("kms:D*x", Answer.NO),
        ("kms:Decrypt?", Answer.NO),
        ("kms:", Answer.NO),
        (UNKNOWN, Answer.MAYBE),
        (Text(("kms:", UNKNOWN)), Answer.MAYBE),
        (Text(("s3:", UNKNOWN)), Answer.NO),
        (7, Answer.NO),
    ],
)
def test_patterns(pattern: Any, answer: Answer) -> None:
    assert matches(pattern, "kms:Decrypt") is answer


def test_hostile_pattern_matches_in_bounded_time() -> None:
    assert matches("*?" * 200 + "b", "a" * 300) is Answer.NO


def test_actions_and_not_actions() -> None:
    assert only(allow(Action=["s3:Get*", "kms:Decrypt"])).acts_on("kms:Decrypt") is Answer.YES
    assert only(allow(NotAction="kms:*")).acts_on("kms:Decrypt") is Answer.NO
    assert only(allow(NotAction="s3:*")).acts_on("kms:Decrypt") is Answer.YES
    assert only(allow(NotAction={"Ref": "Open"})).acts_on("kms:Decrypt") is Answer.MAYBE


@pytest.mark.parametrize(
    ("principal", "answer"),
    [
        ({"Service": "logs.amazonaws.com"}, Answer.YES),
        ({"Service": ["events.amazonaws.com", "logs.us-east-1.amazonaws.com"]}, Answer.YES),
        ({"Service": {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}}, Answer.YES),
        ({"AWS": "*"}, Answer.YES),
        ("*", Answer.YES),
        ({"Service": "delivery.logs.amazonaws.com"}, Answer.NO),
        ({"Service": "s3.amazonaws.com"}, Answer.NO),
        ({"AWS": "arn:aws:iam::111111111111:root"}, Answer.NO),
        ({"Service": {"Ref": "Open"}}, Answer.MAYBE),
    ],
)
def test_service_principals(principal: Any, answer: Answer) -> None:
    assert only(allow(Action="*", Principal=principal)).names_service("logs") is answer


def test_both_arms_are_listed_with_the_path_of_their_place() -> None:
    arms = {"Fn::If": ["Prod", [{"AWS": "111111111111"}, "x"], {"Ref": "AWS::NoValue"}]}
    statement = only(
        {"Statement": [{"Effect": "Allow", "Principal": arms, "Action": {"Fn::If": ["Prod", "a:B", "c:D"]}}]}
    )
    assert [item.path for item in statement.principals] == [
        "KeyPolicy.Statement.0.Principal.0.AWS",
        "KeyPolicy.Statement.0.Principal.1",
    ]
    assert statement.actions == ("a:B", "c:D")


def test_conditions_are_flattened_and_keys_compare_without_case() -> None:
    condition = {
        "StringEquals": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}},
        "Bool": {"aws:SecureTransport": False},
    }
    statement = only(allow(Action="*", Condition=condition))
    assert statement.condition_keys() == {"aws:sourceaccount", "aws:securetransport"}
    assert statement.conditions[0].values == (Opaque("account", ""),)


def test_document_written_as_json_text_keeps_its_unknown_parts() -> None:
    text = json.dumps(allow(Action="logs:PutLogEvents", Principal={"AWS": "arn:aws:iam::@:root"})).replace(
        "@", "${Open}"
    )
    statement = only({"Fn::Sub": text}, "AWS::Logs::ResourcePolicy", "PolicyDocument")
    assert statement.principals[0].value == Text(("arn:aws:iam::", UNKNOWN, ":root"))


@pytest.mark.parametrize(
    "document", ['{"Statement": ', {"Statement": "permit(principal, action, resource);"}, {"Statement": [7]}]
)
def test_what_is_no_policy_has_no_statements(document: Any) -> None:
    resources = {"Holder": {"Type": "AWS::VerifiedPermissions::Policy", "Properties": {"Definition": document}}}
    assert list(all_statements(Assembly.from_document({"Resources": resources}))) == []


def test_statements_below_a_path() -> None:
    policies = [{"PolicyName": "one", "PolicyDocument": allow(Action="s3:GetObject")}]
    trust = allow(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": policies}}
    app = Assembly.from_document({"Resources": {"Role": role}})
    resource = next(app.of_type("AWS::IAM::Role"))
    assert [item.actions for item in statements_of(resource, "Policies")] == [("s3:GetObject",)]
    assert len(statements_of(resource)) == 2


def test_permissions_come_from_every_attached_policy() -> None:
    role = {"ManagedPolicyArns": [{"Ref": "Own"}, "arn:aws:iam::aws:policy/job-function/Billing"], "RoleName": "app"}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Own": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": allow(Action="s3:*")}},
        "Inline": {
            "Type": "AWS::IAM::RolePolicy",
            "Properties": {"RoleName": "app", "PolicyDocument": allow(Action="sqs:*")},
        },
        "Foreign": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"Roles": ["other"], "PolicyDocument": allow(Action="sns:*")},
        },
    }
    app = Assembly.from_document({"Resources": resources})
    permissions = roles_of(app).permissions(next(app.of_type("AWS::IAM::Role")))
    assert permissions.complete
    assert sorted(permissions.managed) == ["Billing"]
    assert permissions.allow("s3:GetObject") is Answer.YES
    assert permissions.allow("sqs:SendMessage") is Answer.YES
    assert permissions.allow("sns:Publish") is Answer.NO


def test_permissions_are_incomplete_with_a_policy_from_elsewhere() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["arn:aws:iam::111111111111:policy/own"]}}
    app = Assembly.from_document({"Resources": {"Role": role}})
    assert not roles_of(app).permissions(next(app.of_type("AWS::IAM::Role"))).complete


@pytest.mark.parametrize(
    ("principal", "reason"),
    [
        ({"Federated": "arn:aws:s3:::bucket"}, "an identity provider is an ARN of IAM"),
        ({"Federated": "arn:aws:iam::123456789012:saml-provider/x"}, None),
        ({"AWS": "lambda.amazonaws.com"}, "a service belongs under Service"),
        ({"AWS": "arn:aws:iam"}, "no complete ARN"),
        ({"AWS": {"Fn::Sub": "arn:aws:${AWS::StackName}:x:y:z"}}, None),
        ({"AWS": "arn:aws:iam::123456789012:group/x"}, "neither root, a user nor a role"),
        ({"AWS": {"Ref": "User"}}, "Ref gives its name"),
        ({"AWS": {"Fn::GetAtt": ["Bucket", "DomainName"]}}, None),
        ({"AWS": {"Fn::GetAtt": ["Identity", "S3CanonicalUserId"]}}, None),
        ({"AWS": {"Fn::GetAtt": ["Bucket", "Arn"]}}, "cannot sign requests"),
        ({"AWS": 5}, None),
    ],
    ids=str,
)
def test_why_aws_rejects_a_principal(principal: Any, reason: str | None) -> None:
    kinds = {"User": "IAM::User", "Bucket": "S3::Bucket", "Identity": "CloudFront::CloudFrontOriginAccessIdentity"}
    resources: dict[str, Any] = {name: {"Type": f"AWS::{kind}"} for name, kind in kinds.items()}
    policy = {"PolicyDocument": allow(Action="s3:*", Principal=principal)}
    resources["Policy"] = {"Type": "AWS::S3::BucketPolicy", "Properties": policy}
    found = check(Assembly.from_document({"Resources": resources}), rules=["DR-IAM-01"]).findings
    assert [reason in finding.message for finding in found if reason] == ([True] if reason else [])
    assert bool(found) is bool(reason)
