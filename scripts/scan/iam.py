"""parliament for every IAM policy, and no action that may change every resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Opaque, Reference, Text
from scripts.scan.model import Acknowledged, Finding, Listed, ScanResult, Subject, run, split

SCANNER = "parliament"
# Findings of severity LOW are about style.
SEVERE = ("MEDIUM", "HIGH", "CRITICAL")
UNNARROWABLE = "NO_RESOURCE_TYPE"
NOTHING_NARROWER = "AWS defines no resource type for this action, so a policy can name nothing but *."
ACCOUNT, REGION = "111111111111", "us-east-1"
IDENTITY, TRUST, RESOURCE = "identity", "trust", "resource"
IDENTITY_TYPES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
# Service and resource part of the ARN of what policies name; the attribute does not matter, for all of them lead there.
ARNS = {
    "AWS::Backup::RestoreTestingPlan": "backup:{region}:{account}:restore-testing-plan:{name}-1",
    "AWS::Backup::BackupVault": "backup:{region}:{account}:backup-vault:{name}",
    "AWS::DynamoDB::GlobalTable": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECS::Cluster": "ecs:{region}:{account}:cluster/{name}",
    "AWS::ECS::Service": "ecs:{region}:{account}:service/cluster/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::RDS::DBCluster": "rds:{region}:{account}:cluster:{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
}
# Types whose Ref is the ARN.
ARN_BY_REF = ("AWS::ECS::Service", "AWS::SNS::Topic")
MANAGED_SECRET = "secretsmanager:{region}:{account}:secret:{name}"  # noqa: S105 (an ARN)
PLACES = {"region": REGION, "account": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}


def scan(subject: Subject, programs: Path, entries: Sequence[Listed]) -> ScanResult:
    """Run parliament over every policy.

    Args:
        subject: One environment.
        programs: Folder of the virtual environment that holds it.
        entries: Accepted findings.

    Returns:
        The result; findings of medium severity or above and wildcards that could be narrower fail.

    Raises:
        ScanError: It does not run.
    """
    found = list(policies(subject.folder))
    worker = Path(__file__).with_name("iam_worker.py")
    answers = json.loads(run([str(programs / "python"), str(worker)], given=json.dumps([asdict(one) for one in found])))
    severe = {
        Finding(answer["where"], answer["rule"], answer["message"])
        for answer in answers
        if answer["severity"] in SEVERE
    }
    unnarrowable = {finding for finding in severe if finding.rule == UNNARROWABLE}
    failed, acknowledged = split(SCANNER, severe - unnarrowable, entries)
    return ScanResult(
        SCANNER,
        subject.environment,
        passed=len(found) - len({finding.where for finding in severe}),
        unit="policies",
        failed=failed,
        acknowledged=(*acknowledged, *(Acknowledged(finding, NOTHING_NARROWER) for finding in sorted(unnarrowable))),
    )


@dataclass(frozen=True)
class Policy:
    """A policy document.

    Attributes:
        where: Path of the construct, or template and logical id.
        kind: `identity`, `trust` or `resource`.
        document: Plain JSON.
    """

    where: str
    kind: str
    document: dict[str, Any]


def policies(folder: Path) -> Iterator[Policy]:
    """Find every policy document with a version, by its shape, in whatever resource has it.

    Args:
        folder: A cloud assembly.

    Yields:
        The policies.
    """
    app = Assembly.load(folder)
    for template in app.templates.values():
        for resource in template.resources.values():
            path = resource.construct_path or f"{template.file}/{resource.logical_id}"
            for name, document in _documents(resource.body.get("Properties")):
                kind = TRUST if name == "AssumeRolePolicyDocument" else RESOURCE
                if kind is RESOURCE and resource.type in IDENTITY_TYPES:
                    kind = IDENTITY
                yield Policy(path.partition("/")[2], kind, _plain(app, resource.resolver.deep(document)))


def _documents(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict) and {"Version", "Statement"} <= node.keys():  # rules of AWS WAF have statements, too
        yield name, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _documents(child, key)
    elif isinstance(node, list):
        for child in node:
            yield from _documents(child, name)


def _plain(app: Assembly, value: Any) -> Any:
    if isinstance(value, dict):
        return {str(_plain(app, key)): _plain(app, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(app, item) for item in value]
    if isinstance(value, Text):
        return "".join(str(_plain(app, part)) for part in value.parts)
    if isinstance(value, Reference | Opaque):
        return _arn(app.target(value), value) if isinstance(value, Reference) else PLACES.get(value.kind, value.kind)
    if isinstance(value, bool | int | float):
        return str(value).lower()  # as CloudFormation hands it to IAM
    return value if isinstance(value, str) else "unknown"


def _arn(target: Resource | None, reference: Reference) -> str:
    form = ARNS.get(target.type) if target else None
    if reference.attribute.startswith("MasterUserSecret"):
        form = MANAGED_SECRET
    is_arn = reference.attribute.endswith("Arn") or (target is not None and target.type in ARN_BY_REF)
    if form is None or not is_arn:
        return reference.logical_id
    return "arn:aws:" + form.format(region=REGION, account=ACCOUNT, name=reference.logical_id)
