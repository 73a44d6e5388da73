"""Which permissions the operations of AWS need: on the resources of the request, and in the caller's name on others.

An operation that is not here is not known. Sources, beside the Service Authorization Reference:

- Amazon RDS, everything that a new instance uses:
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/security_iam_id-based-policy-examples-create-and-modify-examples.html
- Amazon RDS, a password that it keeps in AWS Secrets Manager:
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
- RDS Data API: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.access.html
- keys: https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html,
  https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.Keys.html,
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from embedded_aws.server import upstream
from embedded_aws.server.answers import wire
from embedded_aws.server.types import backup

# Services whose prefix in a policy is not botocore's name of them.
_PREFIXES: Final = {"elbv2": "elasticloadbalancing"}
Context: TypeAlias = dict[str, str | list[str]]


@dataclass(frozen=True)
class Need:
    """A permission that a call needs.

    Attributes:
        action: e.g. `rds:CreateDBInstance`.
        resource: an ARN; in it `*` stands for all that the call does not name, alone for an action without resources.
        context: condition keys that AWS sets for it, without those that every request has.
    """

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request and where it is made.

    Attributes:
        request: what is asked.
        account: of the caller.
        region: that is asked.
    """

    request: wire.Request
    account: str
    region: str

    def needs(self) -> Iterator[Need]:
        """Yield the permissions that it needs; none if its operation is not known."""
        needs = _NEEDS.get(f"{self.request.service} {self.request.operation}")
        yield from needs(self) if needs else ()

    @property
    def action(self) -> str:
        """The action that is named as the operation."""
        service = self.request.service
        return f"{_PREFIXES.get(service, service)}:{self.request.operation}"

    def text(self, name: str) -> str:
        """Return a parameter; empty when it is not given."""
        return self.request.text(name)

    def arn(self, service: str, kind: str, name: str) -> str:
        """Return the ARN of a resource, which may be named by its ARN."""
        return name if name.startswith("arn:") else f"arn:aws:{service}:{self.region}:{self.account}:{kind}{name}"

    def through(self, service: str, key: str | None, *actions: str) -> Iterator[Need]:
        """Yield what a service needs in the caller's name from a key; nothing for a key of AWS, which admits all."""
        record = upstream.kms_key(key or "")
        if record and record.get("KeyManager") != "AWS":
            context: Context = {"kms:ViaService": f"{service}.{self.region}.amazonaws.com"}
            yield from (Need(f"kms:{action}", record["Arn"], context) for action in actions)


Needs: TypeAlias = Callable[[Call], Iterable[Need]]


def _alone(call: Call) -> Iterator[Need]:
    yield Need(call.action)


def _on(service: str, kind: str, name: str) -> Needs:
    """Need the action on the resource that a parameter names, by name or ARN; on all if it is not given."""

    def needs(call: Call) -> Iterator[Need]:
        yield Need(call.action, call.arn(service, kind, call.text(name) or "*"))

    return needs


def _on_path(service: str, kind: str, part: int) -> Needs:
    """Need the action on the resource that a part of the path names."""

    def needs(call: Call) -> Iterator[Need]:
        name = unquote(call.request.path.strip("/").split("/")[part])
        yield Need(call.action, call.arn(service, kind, name))

    return needs


def _restore_testing_plan(call: Call) -> Iterator[Need]:
    yield Need(call.action, backup.plan_arn(unquote(call.request.path.strip("/").split("/")[2])))


def _in_cluster(kind: str, names: str | None) -> Needs:
    """Need the action of Amazon ECS on each resource of a kind that is named, in its cluster."""

    def needs(call: Call) -> Iterator[Need]:
        cluster = call.text("cluster").rpartition("/")[2] or "default"
        context: Context = {"ecs:cluster": call.arn("ecs", "cluster/", cluster)}
        for name in call.request.given.get(names, ()) if names else ["*"]:
            yield Need(call.action, call.arn("ecs", f"{kind}/{cluster}/", name), context)

    return needs


def _metric_data(call: Call) -> Iterator[Need]:
    yield Need(call.action, context={"cloudwatch:namespace": call.text("Namespace")})


def _publish(call: Call) -> Iterator[Need]:
    topic = upstream.topics.get(call.text("TopicArn"), {})
    yield Need(call.action, call.text("TopicArn"))
    yield from call.through("sns", topic.get("attributes", {}).get("KmsMasterKeyId"), "GenerateDataKey", "Decrypt")


def _table(call: Call) -> Iterator[Need]:
    yield Need(call.action, call.arn("dynamodb", "table/", call.text("TableName")))


def _scan(call: Call) -> Iterator[Need]:
    yield from _table(call)
    yield from _table_key(call, call.text("TableName"))


def _item(call: Call) -> Iterator[Need]:
    yield from _item_of(call, call.action, call.request.given)


def _transaction(call: Call) -> Iterator[Need]:
    """Need the action of each part: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html."""
    for part in call.request.given["TransactItems"]:
        for kind, given in part.items():
            yield from _item_of(call, f"dynamodb:{kind}Item", given)


def _batch(call: Call) -> Iterator[Need]:
    """Need the action on each table, for all items together: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html."""
    for table, parts in call.request.given["RequestItems"].items():
        yield from _items_of(call, call.action, table, [given for part in parts for given in part.values()])


def _item_of(call: Call, action: str, given: Mapping[str, Any]) -> Iterator[Need]:
    yield from _items_of(call, action, given["TableName"], [given])


def _items_of(call: Call, action: str, table: str, parts: Iterable[Mapping[str, Any]]) -> Iterator[Need]:
    schema = upstream.tables.get(table, {}).get("KeySchema", ())
    names = [key["AttributeName"] for key in schema if key["KeyType"] == "HASH"]
    items = [given.get("Item") or given.get("Key") or {} for given in parts]
    leading = [str(next(iter(item[name].values()))) for item in items for name in names]
    yield Need(action, call.arn("dynamodb", "table/", table), {"dynamodb:LeadingKeys": leading})
    yield from _table_key(call, table)


def _table_key(call: Call, table: str) -> Iterator[Need]:
    encryption = upstream.tables.get(table, {}).get("SSEDescription") or {}
    yield from call.through("dynamodb", encryption.get("KMSMasterKeyArn"), "Decrypt")


def _cluster(call: Call, name: str = "DBClusterIdentifier") -> Mapping[str, Any]:
    found: Mapping[str, Any] = upstream.db_clusters.get(call.text(name).rpartition(":")[2], {})
    return found


def _modify_cluster(call: Call) -> Iterator[Need]:
    yield Need(call.action, call.arn("rds", "cluster:", call.text("DBClusterIdentifier")))
    for kind, name in (("cluster-pg:", "DBClusterParameterGroupName"), ("og:", "OptionGroupName")):
        if call.text(name):
            yield Need(call.action, call.arn("rds", kind, call.text(name)))
    if call.text("RotateMasterUserPassword").lower() == "true":
        yield Need("secretsmanager:RotateSecret", _secret_of(_cluster(call)))
    if call.text("ManageMasterUserPassword").lower() == "true" and not _cluster(call).get("MasterUserSecret"):
        name = f"rds!cluster-{_cluster(call).get('DbClusterResourceId', '')}"
        for action in ("CreateSecret", "TagResource"):
            yield Need(f"secretsmanager:{action}", call.arn("secretsmanager", "secret:", name))
        key = call.text("MasterUserSecretKmsKeyId")
        yield from call.through("secretsmanager", key, "CreateGrant", "Decrypt", "GenerateDataKey")
        yield from call.through("rds", key, "DescribeKey")


def _create_instance(call: Call) -> Iterator[Need]:
    """Need it on everything that the instance uses, the default groups of its engine included."""
    cluster = _cluster(call)
    engine, major = call.text("Engine"), str(cluster.get("EngineVersion") or "").partition(".")[0]
    involved = {
        "db:": call.text("DBInstanceIdentifier"),
        "cluster:": call.text("DBClusterIdentifier"),
        "pg:": call.text("DBParameterGroupName") or f"default.{engine}{major}",
        "og:": call.text("OptionGroupName") or f"default:{engine}-{major}",
        "subgrp:": call.text("DBSubnetGroupName") or cluster.get("DBSubnetGroup", "default"),
    }
    yield from (Need(call.action, call.arn("rds", kind, name)) for kind, name in involved.items() if name)
    yield from call.through("rds", cluster.get("KmsKeyId"), "CreateGrant", "DescribeKey")


def _data_api(call: Call) -> Iterator[Need]:
    secret, tag = call.text("secretArn"), "secretsmanager:ResourceTag/aws:rds:primaryDBClusterArn"
    owners = [str(each["DBClusterArn"]) for each in upstream.db_clusters.values() if _secret_of(each) == secret]
    yield Need(call.action, call.text("resourceArn"))
    yield from _secret_value(call, "secretArn", {tag: owners[0]} if owners else {})


def _secret_value(call: Call, name: str = "SecretId", context: Context | None = None) -> Iterator[Need]:
    secret = call.arn("secretsmanager", "secret:", call.text(name))
    yield Need("secretsmanager:GetSecretValue", secret, context or {})
    for each in upstream.secrets.values():
        if each["ARN"] == secret:
            yield from call.through("secretsmanager", each.get("KmsKeyId"), "Decrypt")


def _object(call: Call) -> Iterator[Need]:
    """Need the action on an object; what S3 needs from the key of its bucket is not known here."""
    yield Need(call.action, f"arn:aws:s3:::{unquote(call.request.path).strip('/')}")


def _secret_of(cluster: Mapping[str, Any]) -> str:
    return str((cluster.get("MasterUserSecret") or {}).get("SecretArn", ""))


_NEEDS: Final[Mapping[str, Needs]] = {
    **dict.fromkeys(
        ("backup ListRestoreJobs", "backup DescribeRestoreJob", "backup PutRestoreValidationResult"), _alone
    ),
    "backup GetRestoreTestingPlan": _restore_testing_plan,
    "backup ListRecoveryPointsByBackupVault": _on_path("backup", "backup-vault:", 1),
    "cloudwatch GetMetricData": _alone,
    "cloudwatch PutMetricData": _metric_data,
    **dict.fromkeys(("dynamodb DescribeTable", "dynamodb DescribeContinuousBackups"), _table),
    "dynamodb Scan": _scan,
    **dict.fromkeys((f"dynamodb {name}Item" for name in ("Get", "Put", "Update", "Delete")), _item),
    "dynamodb BatchWriteItem": _batch,
    "dynamodb TransactWriteItems": _transaction,
    "ecs DescribeServices": _in_cluster("service", "services"),
    "ecs DescribeTasks": _in_cluster("task", "tasks"),
    "ecs ListTasks": _in_cluster("container-instance", None),
    "elbv2 DescribeTargetHealth": _alone,
    "rds CreateDBInstance": _create_instance,
    **dict.fromkeys(("rds DeleteDBInstance", "rds DescribeDBInstances"), _on("rds", "db:", "DBInstanceIdentifier")),
    **dict.fromkeys(("rds DescribeDBClusters", "rds FailoverDBCluster"), _on("rds", "cluster:", "DBClusterIdentifier")),
    "rds EnableHttpEndpoint": _on("rds", "cluster:", "ResourceArn"),
    "rds ModifyDBCluster": _modify_cluster,
    **dict.fromkeys((f"rds-data {name}Transaction" for name in ("Begin", "Commit", "Rollback")), _data_api),
    "rds-data ExecuteStatement": _data_api,
    "s3 PutObject": _object,
    "secretsmanager GetSecretValue": _secret_value,
    "sns Publish": _publish,
}
