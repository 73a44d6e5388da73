"""AWS Backup: selections, the access policy and lock of a vault, and restore testing, which is kept but never runs."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from embedded_aws.server import metadata, refusals, registry, upstream
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Declared, Properties
from embedded_aws.server.types import backup_points

_PLAN = "AWS::Backup::RestoreTestingPlan"
_SELECTION = "AWS::Backup::RestoreTestingSelection"
_SELECTION_KEY = ("RestoreTestingPlanName", "RestoreTestingSelectionName")
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForGet.html
_PLAN_DEFAULTS = {"StartWindowHours": 24, "ScheduleExpressionTimezone": "Etc/UTC"}
_SELECTION_DEFAULTS = {"SelectionWindowDays": 30}


def install() -> None:
    """Register the types of this service."""
    registry.add(
        "AWS::Backup::BackupSelection",
        create=_create_selection,
        update=_keep_selection,
        delete=_delete_selection,
        create_only=("BackupPlanId", "BackupSelection"),
    )
    registry.complete("AWS::Backup::BackupVault", _apply_vault_settings)
    upstream.vault_access_policy.wrap(_answer_access_policy)
    _install_restore_testing()


def _create_selection(declared: Declared) -> tuple[str, Attributes]:
    plan = declared.properties["BackupPlanId"]
    selection = declared.properties["BackupSelection"]
    answer = client("backup").create_backup_selection(BackupPlanId=plan, BackupSelection=selection)
    physical_id = f"{answer['SelectionId']}_{plan}"
    return physical_id, {"SelectionId": answer["SelectionId"], "BackupPlanId": plan, "Id": physical_id}


def _keep_selection(physical_id: str, _declared: Declared, _previous: Properties) -> Attributes:
    selection, _, plan = physical_id.partition("_")  # every property is create-only: there is nothing to change
    return {"SelectionId": selection, "BackupPlanId": plan, "Id": physical_id}


def _delete_selection(physical_id: str, _properties: Properties) -> None:
    selection, _, plan = physical_id.partition("_")
    client("backup").delete_backup_selection(BackupPlanId=plan, SelectionId=selection)


def _apply_vault_settings(vault: str, properties: Properties) -> Attributes:
    record = upstream.vaults[vault]
    try:
        backup_points.apply_lock(record, properties.get("LockConfiguration", {}))
    except refusals.RefusedError as refused:
        raise refusals.failure(refused, "Backup") from None
    record["_access_policy"] = json.dumps(properties["AccessPolicy"]) if properties.get("AccessPolicy") else None
    return {}


def _answer_access_policy(without_policy: Callable[[str], Any]) -> Callable[[str], Any]:
    def answer(vault_name: str) -> Any:
        record = upstream.vaults.get(vault_name) or {}
        if not record.get("_access_policy"):
            return without_policy(vault_name)
        arn = record["BackupVaultArn"]
        return upstream.backup_answer(
            {"BackupVaultName": vault_name, "BackupVaultArn": arn, "Policy": record["_access_policy"]}
        )

    return answer


def _install_restore_testing() -> None:
    metadata.keep(
        _PLAN,
        identify=lambda declared: str(declared.properties["RestoreTestingPlanName"]),
        attributes=lambda name: {"RestoreTestingPlanArn": plan_arn(name)},
        create_only=("RestoreTestingPlanName",),
    )
    metadata.keep(
        _SELECTION,
        identify=lambda declared: "|".join(declared.properties[name] for name in _SELECTION_KEY),
        attributes=lambda _identifier: {},
        create_only=("ProtectedResourceType", *_SELECTION_KEY),
    )
    upstream.restore_testing_plan.wrap(lambda _empty: _get_plan)
    upstream.restore_testing_plans.wrap(lambda _empty: _list_plans)
    upstream.restore_testing_selection.wrap(lambda _empty: _get_selection)
    upstream.restore_testing_selections.wrap(lambda _empty: _list_selections)


def plan_arn(name: str) -> str:
    """Return the ARN of a restore-testing plan, which ends with an identifier that AWS Backup chooses.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbackup.html#awsbackup-resources-for-iam-policies
    """
    scope = f"{upstream.region()}:{upstream.account()}"
    return f"arn:aws:backup:{scope}:restore-testing-plan:{name}-{uuid.uuid5(uuid.NAMESPACE_URL, f'{scope}:{name}')}"


def _get_plan(plan_name: str) -> Any:
    plan = metadata.find(_PLAN, plan_name)
    if plan is None:
        return upstream.backup_not_found(f"Restore testing plan '{plan_name}' not found.")
    return upstream.backup_answer({"RestoreTestingPlan": _with_plan_arn(plan)})


def _list_plans(_query: dict[str, str]) -> Any:
    return upstream.backup_answer({"RestoreTestingPlans": [_with_plan_arn(plan) for plan in metadata.every(_PLAN)]})


def _with_plan_arn(plan: dict[str, Any]) -> dict[str, Any]:
    selection = {**_SELECTION_DEFAULTS, **plan.get("RecoveryPointSelection", {})}
    return {
        **_PLAN_DEFAULTS,
        **plan,
        "RecoveryPointSelection": selection,
        "RestoreTestingPlanArn": plan_arn(plan["RestoreTestingPlanName"]),
    }


def _get_selection(plan_name: str, selection_name: str) -> Any:
    selection = metadata.find(_SELECTION, f"{plan_name}|{selection_name}")
    if selection is None:
        return upstream.backup_not_found(f"Restore testing selection '{selection_name}' not found.")
    return upstream.backup_answer({"RestoreTestingSelection": selection})


def _list_selections(plan_name: str, _query: dict[str, str]) -> Any:
    selections = [each for each in metadata.every(_SELECTION) if each["RestoreTestingPlanName"] == plan_name]
    return upstream.backup_answer({"RestoreTestingSelections": selections})
