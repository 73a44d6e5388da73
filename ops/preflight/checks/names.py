"""Physical names that are in use: by what an earlier deployment left behind, or by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ops.preflight.check import Check, Outcome, fail, ok
from ops.preflight.context import CheckContext, listed

REMOVE = "Delete or import what is there, or choose another `suffix`."


class TakenName(Check):
    """Checks that the names of one resource type are free; a subclass says how to look for one.

    `absent` and `parameter` are for the operation that describes one resource: its error where there is none, and the
    parameter that takes the name.
    """

    kind: ClassVar[str]
    path: ClassVar[str]
    noun: ClassVar[str]
    absent: ClassVar[str]
    parameter: ClassVar[str]
    fix = REMOVE

    def found(self, context: CheckContext, name: str) -> str | None:
        """Return the physical id of the resource with that name, by default the name; ``None`` where none exists."""
        return None if context.ask.find(self.calls[0], self.absent, **{self.parameter: name}) is None else name

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for every planned name; a resource that the stack itself owns is only updated."""
        names = context.plan.texts(self.kind, self.path)
        there = {name: physical for name in names if (physical := self.found(context, name)) is not None}
        foreign = [name for name, physical in there.items() if physical not in context.deployed]
        if foreign:
            yield fail(f"{self.noun} {listed(foreign)} exists outside {context.stack}")
        else:
            ours = f", {len(there)} of them already in {context.stack}" if there else ""
            yield ok(f"{len(names)} names{ours}")


class LogGroups(TakenName):
    """Checks the names of log groups."""

    id = "PF-LOGS-01"
    title = "No planned log group exists outside the stack"
    why = "Creating it fails: the specified log group already exists. ECS, Lambda and RDS create some unasked."
    source = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"
    calls = ("logs:DescribeLogGroups",)
    kind, path, noun = "AWS::Logs::LogGroup", "LogGroupName", "log group"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Look among the groups whose names begin with it."""
        groups = context.ask.every("logs:DescribeLogGroups", "logGroups", logGroupNamePrefix=name)
        return name if any(group["logGroupName"] == name for group in groups) else None


class Vaults(TakenName):
    """Checks the name of the backup vault."""

    id = "PF-BACKUP-02"
    title = "The backup vault does not exist outside the stack"
    why = "Creating it fails: backup vault with the same name already exists; a kept vault outlives its stack."
    source = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html"
    calls = ("backup:ListBackupVaults",)
    kind, path, noun = "AWS::Backup::BackupVault", "BackupVaultName", "vault"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Look among all vaults: AWS answers AccessDenied when it is asked for one that does not exist."""
        vaults = context.ask.every("backup:ListBackupVaults", "BackupVaultList")
        return name if any(vault["BackupVaultName"] == name for vault in vaults) else None


class Aliases(TakenName):
    """Checks the aliases of keys."""

    id = "PF-KMS-01"
    title = "No planned alias exists outside the stack"
    why = "Creating it fails: an alias with the name already exists."
    source = "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html"
    calls = ("kms:ListAliases",)
    kind, path, noun = "AWS::KMS::Alias", "AliasName", "alias"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Look among all aliases."""
        aliases = context.ask.every("kms:ListAliases", "Aliases")
        return name if any(alias["AliasName"] == name for alias in aliases) else None


class Clusters(TakenName):
    """Checks the name of the Aurora cluster."""

    id = "PF-RDS-06"
    title = "The Aurora cluster does not exist outside the stack"
    why = "Creating it fails: DBClusterAlreadyExists; a retained cluster outlives its stack."
    source = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html"
    calls = ("rds:DescribeDBClusters",)
    kind, path, noun = "AWS::RDS::DBCluster", "DBClusterIdentifier", "cluster"
    absent, parameter = "DBClusterNotFoundFault", "DBClusterIdentifier"


class Tables(TakenName):
    """Checks the name of the table."""

    id = "PF-DDB-01"
    title = "The table does not exist outside the stack"
    why = "Creating it fails: table already exists; a retained table outlives its stack."
    source = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"
    calls = ("dynamodb:DescribeTable",)
    kind, path, noun = "AWS::DynamoDB::GlobalTable", "TableName", "table"
    absent, parameter = "ResourceNotFoundException", "TableName"


class Functions(TakenName):
    """Checks the names of functions."""

    id = "PF-LAMBDA-02"
    title = "No planned function exists outside the stack"
    why = "Creating it fails: Function already exist."
    source = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
    calls = ("lambda:GetFunctionConfiguration",)
    kind, path, noun = "AWS::Lambda::Function", "FunctionName", "function"
    absent, parameter = "ResourceNotFoundException", "FunctionName"


class LoadBalancers(TakenName):
    """Checks the name of the load balancer."""

    id = "PF-ELB-01"
    title = "The load balancer does not exist outside the stack"
    why = "Creating it fails: a load balancer with the same name exists, with other settings."
    source = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"
    calls = ("elbv2:DescribeLoadBalancers",)
    kind, path, noun = "AWS::ElasticLoadBalancingV2::LoadBalancer", "Name", "load balancer"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Ask for the load balancer; its physical id is the ARN."""
        found = context.ask.find("elbv2:DescribeLoadBalancers", "LoadBalancerNotFound", Names=[name])
        return str(found["LoadBalancers"][0]["LoadBalancerArn"]) if found and found["LoadBalancers"] else None


class Secrets(TakenName):
    """Checks the names of secrets; RDS itself names the secret of the database."""

    id = "PF-SM-01"
    title = "No planned secret exists or waits for its deletion"
    why = "Creating it fails: a secret with this name is already scheduled for deletion."
    source = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
    calls = ("secretsmanager:DescribeSecret",)
    kind, path, noun = "AWS::SecretsManager::Secret", "Name", "secret"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Ask for the secret, deleted or not."""
        found = context.ask.find("secretsmanager:DescribeSecret", "ResourceNotFoundException", SecretId=name)
        return str(found["ARN"]) if found else None


class Records(TakenName):
    """Checks the name of the DNS record."""

    id = "PF-R53-02"
    title = "No planned DNS record exists outside the stack"
    why = "Creating it fails: tried to create resource record set but it already exists, or a CNAME has its name."
    source = "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html"
    calls = ("route53:ListResourceRecordSets",)
    kind, path, noun = "AWS::Route53::RecordSet", "Name", "DNS record"

    def found(self, context: CheckContext, name: str) -> str | None:
        """Look in the zones of the planned records; a full name ends in a dot, a physical id may."""
        full = f"{name.removesuffix('.')}."
        for zone in context.plan.texts(self.kind, "HostedZoneId"):
            question = {"HostedZoneId": zone, "StartRecordName": full, "MaxItems": "10"}
            answer = context.ask.find("route53:ListResourceRecordSets", "NoSuchHostedZone", **question)
            there = answer["ResourceRecordSets"] if answer else ()
            if any(each["Name"] == full and each["Type"] in ("A", "CNAME") for each in there):
                return full if full in context.deployed else name
        return None
