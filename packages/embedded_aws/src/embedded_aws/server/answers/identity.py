"""Answers of AWS IAM, AWS STS, AWS Secrets Manager, AWS CloudFormation and AWS Backup."""

import re
import uuid
from collections.abc import Mapping
from typing import Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Json, Request, Xml
from embedded_aws.server.refusals import RefusedError

_PAGE: Final = 100
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
_LINKED: Final = {"ecs": "ECS", "rds": "RDS", "elasticloadbalancing": "ElasticLoadBalancing", "fis": "FIS"}
_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]*", re.ASCII)
_SECRET_NAME: Final = re.compile(r"[\w/+=.@!-]+", re.ASCII)
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRule.html
_RULE: Final = {"StartWindowMinutes": 480, "CompletionWindowMinutes": 10_080, "ScheduleExpressionTimezone": "Etc/UTC"}


def _policy_arn(request: Request) -> RefusedError | None:
    if request.text("PolicyArn").startswith("arn:"):
        return None
    return RefusedError("ValidationError", "Invalid ARN:  Could not be parsed!")


def _linked_name(request: Request) -> str:
    service = request.text("AWSServiceName").partition(".")[0]
    return f"AWSServiceRoleFor{_LINKED.get(service, service.capitalize())}"


def _linked_role(request: Request) -> RefusedError | None:
    name = _linked_name(request)
    if name not in upstream.roles:
        return None
    message = f"Service role name {name} has been taken in this account, please try a different suffix."
    return RefusedError("InvalidInput", message)


def _made_linked_role(request: Request, answer: Xml) -> None:
    """Give the role its name, in which ministack writes all letters but the first small."""
    name = _linked_name(request)
    for role in answer.every("Role"):
        made = role.text("RoleName")
        record = upstream.roles.pop(made)
        record |= {"RoleName": name, "Arn": record["Arn"].replace(made, name)}
        upstream.roles[name] = record
        role.put("RoleName", name)
        role.put("Arn", record["Arn"])


def _roles(request: Request, answer: Xml) -> None:
    """Give one page; ministack gives all roles at once."""
    first, most = int(request.text("Marker") or 0), int(request.text("MaxItems") or _PAGE)
    for result in answer.every("ListRolesResult"):
        roles = result.members("Roles")
        end = first + most
        result.put("Roles", [])
        for kept in result.every("Roles"):
            kept.node.extend(role.node for role in roles[first:end])
        result.put("IsTruncated", value=end < len(roles))
        if end < len(roles):
            result.put("Marker", end)


def _session_name(request: Request) -> RefusedError | None:
    name = request.text("RoleSessionName")
    if _SESSION_NAME.fullmatch(name):
        return None
    message = (
        f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must "
        f"satisfy regular expression pattern: {_SESSION_NAME.pattern}"
    )
    return RefusedError("ValidationError", message)


def _new_secret(request: Request) -> RefusedError | None:
    name = request.text("Name")
    if not _SECRET_NAME.fullmatch(name):
        message = (
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
        return RefusedError("ValidationException", message)
    secret = upstream.secrets.get(name)
    if secret and secret.get("DeletedDate"):
        message = "You can't create this secret because a secret with this name is already scheduled for deletion."
        return RefusedError("InvalidRequestException", message)
    return None


def _change_set(request: Request) -> RefusedError | None:
    if request.text("StackName") or request.text("ChangeSetName").startswith("arn:"):
        return None
    return RefusedError("ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.")


def _stacks(_request: Request, answer: Xml) -> None:
    for stack in answer.members("Stacks"):
        stack.default("RollbackConfiguration", {})
        stack.default("NotificationARNs", [])


def _backup_plan(_request: Request, answer: Json) -> None:
    for rule in answer["BackupPlan"].get("Rules", ()):
        for name, value in _RULE.items():
            rule.setdefault(name, value)
        rule.setdefault("RuleId", str(uuid.uuid5(uuid.NAMESPACE_URL, f"{answer['BackupPlanId']}/{rule['RuleName']}")))


CHECKS: Final[Mapping[str, Check]] = {
    "cloudformation DeleteChangeSet": _change_set,
    "iam AttachRolePolicy": _policy_arn,
    "iam CreateServiceLinkedRole": _linked_role,
    "secretsmanager CreateSecret": _new_secret,
    "sts AssumeRole": _session_name,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "backup GetBackupPlan": _backup_plan,
    "cloudformation DescribeStacks": _stacks,
    "iam CreateServiceLinkedRole": _made_linked_role,
    "iam ListRoles": _roles,
}
