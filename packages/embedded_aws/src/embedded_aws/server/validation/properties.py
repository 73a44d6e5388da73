"""What is wrong with a resource shows only when its references are resolved: principals, and what it must agree with.

The messages are those that AWS gave; where each was recorded stands in `tests/refusals.toml`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.api import client
from embedded_aws.server.validation import policies

Properties = Mapping[str, Any]


def mistakes(resource_type: str, props: Properties) -> Iterator[str]:
    """Return AWS's words about what is wrong with the resolved properties of a resource."""
    check = _CHECKS.get(resource_type)
    if check:
        yield from check(props)


def _role(props: Properties) -> Iterator[str]:
    inline = props.get("Policies", [])
    if not isinstance(inline, list):
        yield "Value of property Policies must be a list of objects"
        return
    yield from filter(None, (policies.trust(props.get("AssumeRolePolicyDocument", {})),))
    for policy in inline:
        yield from _policy(policy)


def _policy(props: Properties) -> Iterator[str]:
    yield from filter(None, (policies.identity(props.get("PolicyDocument", {})),))


def _key(props: Properties) -> Iterator[str]:
    if any(policies.wrong_statements(props.get("KeyPolicy", {}))):
        yield "Policy contains a statement with one or more invalid principals."


def _bucket_policy(props: Properties) -> Iterator[str]:
    if any(policies.wrong_statements(props.get("PolicyDocument", {}))):
        yield "Invalid principal in policy"


def _bucket(props: Properties) -> Iterator[str]:
    """Judge a bucket's name: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html ."""
    name = str(props.get("BucketName", "bucket"))
    if not 3 <= len(name) <= 63:
        yield "Bucket name should be between 3 and 63 characters long"
    if name.lower() != name:
        yield "Bucket name should not contain uppercase characters"
    if "_" in name:
        yield "Bucket name should not contain '_'"


def _cluster(props: Properties) -> Iterator[str]:
    restored = ("SnapshotIdentifier", "SourceDBClusterIdentifier", "ReplicationSourceIdentifier")
    if not props.get("MasterUsername") and not any(props.get(source) for source in restored):
        yield "The parameter MasterUsername must be provided and must not be blank."


def _instance(props: Properties) -> Iterator[str]:
    cluster = upstream.db_clusters.get(props.get("DBClusterIdentifier", ""))
    if not cluster:
        return
    version = props.get("EngineVersion")
    if version and version != cluster["EngineVersion"]:
        yield (
            f"The engine version that you requested for your DB instance ({version}) does not match the engine version "
            f"of your DB cluster ({cluster['EngineVersion']})."
        )
    requested, encrypted = _is_true(props.get("StorageEncrypted", False)), bool(cluster["StorageEncrypted"])
    if "StorageEncrypted" in props and requested != encrypted:
        yield (
            "If you specify storageEncrypted for instance that will be part of cluster it should match cluster "
            f"setting; requested: {str(requested).lower()}, cluster: {str(encrypted).lower()}"
        )


def _global_table(props: Properties) -> Iterator[str]:
    replicas = props.get("Replicas", [])
    if upstream.region() not in {replica.get("Region") for replica in replicas}:
        yield "Invalid request provided: The Replicas section must contain an entry for the current region"
    encrypted = _is_true(props.get("SSESpecification", {}).get("SSEEnabled", False))
    if not encrypted and any("SSESpecification" in replica for replica in replicas):
        yield ("Invalid request provided: ReplicaSSESpecification and SSEType must be null when SSE is set to default.")


def _service(props: Properties) -> Iterator[str]:
    arns = [each["TargetGroupArn"] for each in props.get("LoadBalancers", []) if each.get("TargetGroupArn")]
    if not arns:
        if "HealthCheckGracePeriodSeconds" in props and not props.get("LoadBalancers"):
            yield (
                "Invalid request provided: CreateService error: Health check grace period is only valid for services "
                "configured to use load balancers"
            )
        return
    for group in client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"]:
        if not group["LoadBalancerArns"]:
            arn = group["TargetGroupArn"]
            yield (
                f"Invalid request provided: CreateService error: The target group with targetGroupArn {arn} does not "
                "have an associated load balancer."
            )


def _alarm(props: Properties) -> Iterator[str]:
    metrics = props.get("Metrics", [])
    shown = [metric for metric in metrics if _is_true(metric.get("ReturnData", True))]
    # An expression takes the period of the metrics that it is about; one about none has to name its own.
    if not any("MetricStat" in metric for metric in metrics) and any("Period" not in metric for metric in shown):
        yield "Period must not be null"


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


_CHECKS: Mapping[str, Callable[[Properties], Iterator[str]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::DynamoDB::GlobalTable": _global_table,
    "AWS::ECS::Service": _service,
    "AWS::IAM::ManagedPolicy": _policy,
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::RDS::DBInstance": _instance,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
