"""Application Load Balancers: logs, and the bucket that must accept them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import arn_of
from breakwater_guards.aws.balancers import balancers_of
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.statements import Principal, Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer, all_of, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ACCESS_LOGS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"
LOG_KINDS = ("access_logs", "connection_logs", "health_check_logs")
BUCKET, BUCKET_POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
ALGORITHM = "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.SSEAlgorithm"
_ACCOUNT = re.compile(r"^(?:arn:[^:]*:iam::)?(\d{12})(?::root)?$")


class _Delivery(NamedTuple):
    """Logs of one kind that a load balancer writes to a bucket of the assembly."""

    balancer: Resource
    kind: str
    bucket: Resource
    prefix: Any

    @property
    def service(self) -> str:
        """First labels of the service principal that writes the logs."""
        return "delivery.logs" if self.balancer.get("Type") == "network" else "logdelivery.elasticloadbalancing"


@rule(
    "DR-ALB-04",
    title="Load balancer logs go to a bucket without KMS encryption",
    outcome=Outcome.REFUSED,
    prevents="Access Denied for bucket: … Please check S3bucket permission (InvalidConfigurationRequest)",
    fix="Encrypt the log bucket with SSE-S3 (AES256): Application Load Balancers support nothing else.",
    sources=(ACCESS_LOGS, "https://github.com/aws/aws-cdk/issues/21947"),
)
def log_bucket_has_no_kms_key(app: Assembly) -> Iterator[Breach]:
    """Find a log bucket whose default encryption takes a KMS key."""
    for delivery in _deliveries(app):
        if delivery.service == "delivery.logs":
            continue  # a Network Load Balancer supports customer managed keys
        for algorithm in delivery.bucket.options(ALGORITHM):
            if isinstance(algorithm, str) and algorithm.startswith("aws:kms"):
                yield breach(
                    delivery.bucket,
                    "BucketEncryption",
                    f"{show(algorithm)} on the bucket for the {_words(delivery.kind)} of "
                    f"{delivery.balancer.logical_id}; only 'AES256' is supported.",
                )


@rule(
    "DR-ALB-05",
    title="The policy of the log bucket lets Elastic Load Balancing write",
    outcome=Outcome.REFUSED,
    prevents="Access Denied for bucket: … Please check S3bucket permission (InvalidConfigurationRequest)",
    fix="Allow s3:PutObject on BUCKET/PREFIX/AWSLogs/ACCOUNT/* to logdelivery.elasticloadbalancing.amazonaws.com, to "
    "delivery.logs.amazonaws.com for a Network Load Balancer.",
    sources=(
        ACCESS_LOGS,
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html",
    ),
    data="load_balancing",
)
def log_bucket_admits_delivery(app: Assembly) -> Iterator[Breach]:
    """Find a log bucket without a statement that admits the delivery under the load balancer's prefix."""
    policies, complete = _policies(app)
    for delivery in _deliveries(app) if complete else ():
        if may_change(delivery.bucket.template):
            continue
        own = policies.get(delivery.bucket.reference, [])
        statements = [statement for policy in own for statement in statements_of(policy)]
        admitted = any_of(_admits(statement, delivery) for statement in statements)
        if admitted is Answer.NO or _is_denied(app, delivery):
            yield breach(
                own[0] if own else delivery.bucket,
                "PolicyDocument" if own else "",
                f"No statement lets Elastic Load Balancing put the {_words(delivery.kind)} of "
                f"{delivery.balancer.logical_id} under {show(_key(delivery.prefix))} of {delivery.bucket.logical_id}.",
            )


def _is_denied(app: Assembly, delivery: _Delivery) -> bool:
    arn = f"{arn_of(app, delivery.bucket)}/{_key(delivery.prefix)}*"
    return access_of(app).shuts_out(delivery.bucket, delivery.service, "s3:PutObject", arn)


def _deliveries(app: Assembly) -> Iterator[_Delivery]:
    buckets = Lookup(app, BUCKET, name="BucketName")
    for balancer in (*balancers_of(app).application(), *balancers_of(app).network()):
        attributes = {
            item["Key"]: item.get("Value")
            for item in balancer.given("LoadBalancerAttributes[]")
            if isinstance(item, dict) and isinstance(item.get("Key"), str)
        }
        for kind in LOG_KINDS:
            bucket = buckets.find(attributes.get(f"{kind}.s3.bucket"), balancer.template)
            if bucket is not None and as_bool(attributes.get(f"{kind}.s3.enabled")):
                yield _Delivery(balancer, kind, bucket, attributes.get(f"{kind}.s3.prefix", ""))


def _policies(app: Assembly) -> tuple[dict[Reference, list[Resource]], bool]:
    """Return the bucket policies by bucket, and whether all are accounted for."""
    buckets = Lookup(app, BUCKET, name="BucketName")
    found: dict[Reference, list[Resource]] = defaultdict(list)
    complete = True
    for policy in app.of_type(BUCKET_POLICY):
        value = policy.get("Bucket")
        bucket = buckets.find(value, policy.template)
        if bucket is not None:
            found[bucket.reference].append(policy)
        elif not isinstance(value, str):
            complete = False
    return found, complete


def _admits(statement: Statement, delivery: _Delivery) -> Answer:
    if statement.effect != "Allow":
        return Answer.NO if statement.effect == "Deny" else Answer.MAYBE
    return all_of(
        [
            any_of(_delivers(principal, delivery.service) for principal in statement.principals),
            statement.acts_on("s3:PutObject"),
            any_of(_covers(resource, delivery.prefix) for resource in statement.resources),
        ]
    )


def _delivers(principal: Principal, service: str) -> Answer:
    """Tell whether a principal is the delivery service, or the account that delivers in older Regions."""
    value = principal.value.known if isinstance(principal.value, Text) else principal.value
    if not isinstance(value, str):
        return Answer.MAYBE
    if value == "*" or value.startswith(f"{service}."):
        return Answer.YES
    if principal.kind != "AWS" or service == "delivery.logs":
        return Answer.NO
    account = _ACCOUNT.match(value)
    if account is None:
        return Answer.MAYBE if "*" in value else Answer.NO
    return Answer.YES if account[1] in facts("load_balancing")["log_delivery_accounts"].values() else Answer.NO


def _covers(resource: Any, prefix: Any) -> Answer:
    """Compare the literal beginning of a resource's key with that of the delivered objects."""
    pattern = resource.known if isinstance(resource, Text) else resource
    if not isinstance(pattern, str) or not isinstance(prefix, str):
        return Answer.MAYBE
    if pattern == "*":
        return Answer.YES
    _, slash, key = pattern.partition("/")
    literal, wanted = re.split(r"[*?]", key)[0], _key(prefix)
    if not slash:
        return Answer.YES if pattern.endswith("*") and isinstance(resource, str) else Answer.NO
    return Answer.YES if literal.startswith(wanted) or wanted.startswith(literal) else Answer.NO


def _key(prefix: Any) -> str:
    return f"{prefix.strip('/')}/AWSLogs/".lstrip("/") if isinstance(prefix, str) else "*/AWSLogs/"


def _words(kind: str) -> str:
    return kind.replace("_", " ")
