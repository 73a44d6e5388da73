"""IAM roles with which AWS Backup restores."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.policies import all_statements
from breakwater_guards.aws.roles import Permissions, roles_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule

RESTORE_POLICY = "AWSBackupServiceRolePolicyForRestores"
S3_RESTORE_POLICY = "AWSBackupServiceRolePolicyForS3Restore"
# What AWS Backup calls to create the copy, by type of restore test.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html
_CALLS = {
    "Aurora": ("rds:RestoreDBClusterFromSnapshot", "rds:RestoreDBClusterToPointInTime"),
    "DocumentDB": ("rds:RestoreDBClusterFromSnapshot",),
    "DynamoDB": ("dynamodb:RestoreTableFromAwsBackup", "dynamodb:RestoreTableFromBackup"),
    "EBS": ("ec2:CreateVolume",),
    "EC2": ("ec2:RunInstances",),
    "EFS": ("elasticfilesystem:Restore",),
    "FSx": ("fsx:CreateFileSystemFromBackup",),
    "Neptune": ("rds:RestoreDBClusterFromSnapshot",),
    "RDS": ("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime"),
    "S3": ("s3:PutObject",),
}
_EVERY_CALL = tuple(sorted({call for calls in _CALLS.values() for call in calls}))
# AWS managed policies without any of these permissions; each other one may have them.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
_WITHOUT = frozenset(
    {
        "AWSBackupServiceRolePolicyForBackup",
        "AWSBackupServiceRolePolicyForS3Backup",
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSXRayDaemonWriteAccess",
    }
)


@rule(
    "DR-IAM-04",
    title="The role of a restore job has permission to restore",
    outcome=Outcome.SILENT,
    prevents="Restore job failed: You are not authorized to perform this operation (AccessDenied), found out on the "
    "day of the restore: the role for backups cannot restore",
    fix="Attach arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores "
    "(for S3 AWSBackupServiceRolePolicyForS3Restore); in the CDK: BackupSelection(allow_restores=True).",
    sources=(
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html",
    ),
)
def restore_roles_may_restore(app: Assembly) -> Iterator[Breach]:
    """Find the role of a restore test, or one that is passed to `backup:StartRestoreJob`, without the permissions."""
    roles = roles_of(app)
    for selection in app.of_type("AWS::Backup::RestoreTestingSelection"):
        for value in selection.options("IamRoleArn"):
            role = roles.find(value, selection.template)
            kinds = selection.options("ProtectedResourceType")
            if role is not None and not any(_may_restore(roles.permissions(role), str(kind)) for kind in kinds):
                yield breach(
                    selection,
                    "IamRoleArn",
                    f"Role {role.logical_id} tests restores of {kinds[0]} without permission to restore: "
                    f"{_policy_for(str(kinds[0]))} is not attached.",
                )
    for role in _passed_to_restores(app):
        yield breach(
            role,
            "ManagedPolicyArns",
            f"The role is passed to backup:StartRestoreJob, but {RESTORE_POLICY} is not attached.",
        )


def _may_restore(permissions: Permissions, kind: str) -> bool:
    """Tell whether a role may restore a type, or may have a policy that lets it."""
    others = {RESTORE_POLICY, S3_RESTORE_POLICY} - {_policy_for(kind)} if kind in _CALLS else set()
    if not permissions.complete or permissions.managed - (_WITHOUT | others):
        return True
    return any(permissions.allow(call) is not Answer.NO for call in _CALLS.get(kind, _EVERY_CALL))


def _policy_for(kind: str) -> str:
    return S3_RESTORE_POLICY if kind == "S3" else RESTORE_POLICY


def _passed_to_restores(app: Assembly) -> Iterator[Resource]:
    """Yield roles of AWS Backup that are passed by whoever may start a restore, unless one of them may restore."""
    roles = roles_of(app)
    starters = {item.resource for item in all_statements(app) if "backup:StartRestoreJob" in item.actions}
    for statement in all_statements(app):
        if statement.resource not in starters or statement.acts_on("iam:PassRole") is not Answer.YES:
            continue
        found = [roles.find(value, statement.resource.template) for value in statement.resources]
        passed = [role for role in found if role is not None and role in set(roles.trusting("backup"))]
        if len(passed) == len(found) and not any(_may_restore(roles.permissions(role), "") for role in passed):
            yield from passed
