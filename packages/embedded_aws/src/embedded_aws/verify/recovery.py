"""AWS Backup: vaults, plans, selections and restore testing."""

import json
from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, named, only, unordered, verifies


@verifies("AWS::Backup::BackupVault")
def vault(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare name, key, lock and access policy."""
    backup, name = aws("backup"), resource.physical_id
    found = backup.describe_backup_vault(BackupVaultName=name)
    yield from named(resource, "BackupVaultName")
    yield Comparison("key", declared(resource, "EncryptionKeyArn"), found["EncryptionKeyArn"])
    lock = declared(resource, "LockConfiguration", {})
    yield Comparison("locked", bool(lock), found["Locked"])
    for limit in ("MinRetentionDays", "MaxRetentionDays"):
        yield Comparison(limit, lock.get(limit), found.get(limit))
    if declared(resource, "AccessPolicy"):
        policy = backup.get_backup_vault_access_policy(BackupVaultName=name)["Policy"]
        yield Comparison("access policy", declared(resource, "AccessPolicy"), json.loads(policy))


@verifies("AWS::Backup::BackupPlan")
def plan(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the name and the exact set of rules, each with all its settings."""
    found = aws("backup").get_backup_plan(BackupPlanId=resource.physical_id)["BackupPlan"]
    stored = {rule["RuleName"]: rule for rule in found["Rules"]}
    rules = declared(resource, "BackupPlan.BackupPlanRule")
    yield Comparison("name", declared(resource, "BackupPlan.BackupPlanName"), found["BackupPlanName"])
    yield Comparison("rules", unordered([rule["RuleName"] for rule in rules]), unordered(stored))
    for rule in rules:
        kept = stored.get(rule["RuleName"], {})
        yield Comparison(f"{rule['RuleName']}: vault", rule["TargetBackupVault"], kept.get("TargetBackupVaultName"))
        for name in rule.keys() - {"TargetBackupVault"}:
            yield Comparison(f"{rule['RuleName']}: {name}", rule[name], kept.get(name))


@verifies("AWS::Backup::BackupSelection")
def selection(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare plan, name, role and the exact set of resources."""
    selection_id, _, plan_id = str(resource.physical_id).partition("_")
    answer = aws("backup").get_backup_selection(BackupPlanId=plan_id, SelectionId=selection_id)
    found = answer["BackupSelection"]
    yield Comparison("plan", declared(resource, "BackupPlanId"), plan_id)
    yield Comparison("name", declared(resource, "BackupSelection.SelectionName"), found["SelectionName"])
    yield Comparison("role", declared(resource, "BackupSelection.IamRoleArn"), found["IamRoleArn"])
    wanted = declared(resource, "BackupSelection.Resources", [])
    yield Comparison("resources", unordered(wanted), unordered(found.get("Resources", [])))


@verifies("AWS::Backup::RestoreTestingPlan")
def restore_testing_plan(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare every declared property but the tags."""
    answer = aws("backup").get_restore_testing_plan(RestoreTestingPlanName=resource.physical_id)
    found = answer["RestoreTestingPlan"]
    for name, value in resource.properties.items():
        if name != "Tags":
            yield Comparison(name, value, found.get(name))


@verifies("AWS::Backup::RestoreTestingSelection")
def restore_testing_selection(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare every declared property, and expect it in the list of its plan."""
    plan_name, _, name = str(resource.physical_id).partition("|")
    listed = aws("backup").list_restore_testing_selections(RestoreTestingPlanName=plan_name)
    only(each for each in listed["RestoreTestingSelections"] if each["RestoreTestingSelectionName"] == name)
    answer = aws("backup").get_restore_testing_selection(
        RestoreTestingPlanName=plan_name, RestoreTestingSelectionName=name
    )
    found = answer["RestoreTestingSelection"]
    for prop, value in resource.properties.items():
        yield Comparison(prop, value, found.get(prop))
