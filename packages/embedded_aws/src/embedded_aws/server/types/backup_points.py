"""Recovery points of AWS Backup, and what keeps them: the lock of their vault, vaults that are not empty, plans in use.

Every job that was started left a recovery point; nothing is behind it but its description. What AWS refuses is in the
API pages of the operations.
https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from embedded_aws.server import refusals, upstream
from embedded_aws.server.refusals import RefusedError

_DAY: Final = 86_400
_INVALID: Final = "InvalidRequestException"
_NOT_EMPTY: Final = "Backup vault cannot be deleted because it contains recovery points."
_IN_USE: Final = "Related backup plan selections must be deleted prior to backup plan deletion"
_LOCKED: Final = "The recovery point cannot be deleted: its backup vault is locked."
_IMMUTABLE: Final = "The lock of the backup vault is immutable: its grace time is over."
LOCK: Final = ("MinRetentionDays", "MaxRetentionDays")


def install() -> None:
    """Register the operations, and the refusals of CloudFormation."""
    refusals.by_template("AWS::Backup::BackupVault", "Backup", delete=_require_empty)
    refusals.by_template("AWS::Backup::BackupPlan", "Backup", delete=_require_unused)
    upstream.recovery_points.wrap(lambda _none: _list)
    upstream.recovery_point.wrap(lambda _none: _describe)
    upstream.service_handlers["backup"] = _with_points(upstream.service_handlers["backup"])


def apply_lock(vault: dict[str, Any], lock: Mapping[str, Any]) -> None:
    """Set or remove the lock of a vault, which nobody can remove once its grace time is over.

    Args:
        vault: its record.
        lock: `MinRetentionDays`, `MaxRetentionDays` and `ChangeableForDays` in days; empty for no lock.

    Raises:
        RefusedError: the lock that is there is immutable, and this is another one.
    """
    wanted = {name: int(lock[name]) for name in LOCK if name in lock}
    if vault.get("LockDate", time.time() + 1) <= time.time():
        if lock and wanted == {name: vault[name] for name in LOCK if name in vault}:
            return
        raise RefusedError(_INVALID, _IMMUTABLE)
    for name in (*LOCK, "LockDate"):
        vault.pop(name, None)
    vault |= {"Locked": bool(lock), **wanted}
    if "ChangeableForDays" in lock:
        vault["LockDate"] = time.time() + int(lock["ChangeableForDays"]) * _DAY


def _require_empty(name: str) -> None:
    if any(job["BackupVaultName"] == name for job in upstream.backup_jobs.values()):
        raise RefusedError(_INVALID, _NOT_EMPTY)


def _require_unused(plan: str) -> None:
    if any(each["BackupPlanId"] == plan for each in upstream.backup_selections.values()):
        raise RefusedError(_INVALID, _IN_USE)


def _points(vault: str) -> dict[str, dict[str, Any]]:
    """Return the jobs that left a recovery point in a vault, by its ARN."""
    return {job["RecoveryPointArn"]: job for job in upstream.backup_jobs.values() if job["BackupVaultName"] == vault}


def _described(job: Mapping[str, Any]) -> dict[str, Any]:
    vault = upstream.vaults[job["BackupVaultName"]]
    names = ("RecoveryPointArn", "BackupVaultName", "BackupVaultArn", "ResourceArn", "IamRoleArn", "CreationDate")
    return {
        **{name: job[name] for name in (*names, "CompletionDate", "BackupSizeInBytes", "IsParent")},
        "ResourceType": {"rds": "Aurora", "dynamodb": "DynamoDB"}.get(job["ResourceArn"].split(":")[2], ""),
        "Status": "COMPLETED",
        "EncryptionKeyArn": vault.get("EncryptionKeyArn", ""),
        "IsEncrypted": True,
    }


def _list(vault: str, query: Mapping[str, str]) -> Any:
    if vault not in upstream.vaults:
        return upstream.backup_not_found(f"Vault '{vault}' not found.")
    found = [_described(job) for job in _points(vault).values()]
    chosen = [each for each in found if query.get("resourceArn") in (None, each["ResourceArn"])]
    return upstream.backup_answer({"RecoveryPoints": chosen})


def _describe(vault: str, arn: str) -> Any:
    job = _points(vault).get(unquote(arn))
    if job is None:
        return upstream.backup_not_found(f"Recovery point '{unquote(arn)}' not found.")
    return upstream.backup_answer(_described(job))


def _with_points(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def handle_points(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        parts = [part for part in path.split("/") if part]
        try:
            match method, parts:
                case "DELETE", ["backup-vaults", vault]:
                    _require_empty(vault)
                case "DELETE", ["backup", "plans", plan]:
                    _require_unused(plan)
                case "DELETE", ["backup-vaults", vault, "recovery-points", *arn]:
                    return _delete_point(vault, unquote("/".join(arn)))
                case "PUT", ["backup-vaults", vault, "vault-lock"]:
                    return _lock(vault, {**json.loads(body or b"{}"), "Locked": True})
                case "DELETE", ["backup-vaults", vault, "vault-lock"]:
                    return _lock(vault, {})
        except RefusedError as refused:
            return upstream.error_response(refused.code, refused.message, refused.status)
        return await handle(method, path, headers, body, query)

    return handle_points


def _delete_point(vault: str, arn: str) -> Any:
    job = _points(vault).get(arn)
    if job is None:
        return upstream.backup_not_found(f"Recovery point '{arn}' not found.")
    record = upstream.vaults[vault]
    if record["Locked"]:
        raise RefusedError(_INVALID, _LOCKED)
    record["NumberOfRecoveryPoints"] -= 1
    del upstream.backup_jobs[job["BackupJobId"]]
    return 200, {}, b""


def _lock(vault: str, lock: Mapping[str, Any]) -> Any:
    record = upstream.vaults.get(vault)
    if record is None:
        return upstream.backup_not_found(f"Vault '{vault}' not found.")
    apply_lock(record, lock)
    return 200, {}, b""
