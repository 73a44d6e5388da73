"""AWS Backup: the vault, the plan, what it selects, and the restore tests."""

import json
from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.verify.core import Check, declared, named, only, unordered, verifies


@verifies("AWS::Backup::BackupVault")
def vault(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Encrypted with the declared key, locked and guarded as declared."""
    backup, name = aws("backup"), resource.physical_id
    found = backup.describe_backup_vault(BackupVaultName=name)
    yield from named(resource, "BackupVaultName")
    yield Check("key", declared(resource, "EncryptionKeyArn"), found["EncryptionKeyArn"])
    lock = declared(resource, "LockConfiguration", {})
    yield Check("locked", bool(lock), found["Locked"])
    for limit in ("MinRetentionDays", "MaxRetentionDays"):
        yield Check(limit, lock.get(limit), found.get(limit))
    if declared(resource, "AccessPolicy"):
        policy = backup.get_backup_vault_access_policy(BackupVaultName=name)["Policy"]
        yield Check("access policy", declared(resource, "AccessPolicy"), json.loads(policy))


@verifies("AWS::Backup::BackupPlan")
def plan(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Has exactly the declared rules, with their schedule, retention and vault."""
    found = aws("backup").get_backup_plan(BackupPlanId=resource.physical_id)["BackupPlan"]
    stored = {rule["RuleName"]: rule for rule in found["Rules"]}
    rules = declared(resource, "BackupPlan.BackupPlanRule")
    yield Check("name", declared(resource, "BackupPlan.BackupPlanName"), found["BackupPlanName"])
    yield Check("rules", unordered([rule["RuleName"] for rule in rules]), unordered(stored))
    for rule in rules:
        kept = stored.get(rule["RuleName"], {})
        yield Check(f"{rule['RuleName']}: vault", rule["TargetBackupVault"], kept.get("TargetBackupVaultName"))
        for name in rule.keys() - {"TargetBackupVault"}:
            yield Check(f"{rule['RuleName']}: {name}", rule[name], kept.get(name))


@verifies("AWS::Backup::BackupSelection")
def selection(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Selects exactly the declared resources, with the declared role."""
    selection_id, _, plan_id = str(resource.physical_id).partition("_")
    answer = aws("backup").get_backup_selection(BackupPlanId=plan_id, SelectionId=selection_id)
    found = answer["BackupSelection"]
    yield Check("plan", declared(resource, "BackupPlanId"), plan_id)
    yield Check("name", declared(resource, "BackupSelection.SelectionName"), found["SelectionName"])
    yield Check("role", declared(resource, "BackupSelection.IamRoleArn"), found["IamRoleArn"])
    wanted = declared(resource, "BackupSelection.Resources", [])
    yield Check("resources", unordered(wanted), unordered(found.get("Resources", [])))


@verifies("AWS::Backup::RestoreTestingPlan")
def restore_testing_plan(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Is kept as declared."""
    answer = aws("backup").get_restore_testing_plan(RestoreTestingPlanName=resource.physical_id)
    found = answer["RestoreTestingPlan"]
    for name, value in resource.properties.items():
        if name != "Tags":
            yield Check(name, value, found.get(name))


@verifies("AWS::Backup::RestoreTestingSelection")
def restore_testing_selection(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Is kept as declared, and listed under its plan."""
    plan_name, _, name = str(resource.physical_id).partition("|")
    listed = aws("backup").list_restore_testing_selections(RestoreTestingPlanName=plan_name)
    only(each for each in listed["RestoreTestingSelections"] if each["RestoreTestingSelectionName"] == name)
    answer = aws("backup").get_restore_testing_selection(
        RestoreTestingPlanName=plan_name, RestoreTestingSelectionName=name
    )
    found = answer["RestoreTestingSelection"]
    for prop, value in resource.properties.items():
        yield Check(prop, value, found.get(prop))
