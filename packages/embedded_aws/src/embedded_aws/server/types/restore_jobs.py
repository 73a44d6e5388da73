"""Restore jobs of AWS Backup for DynamoDB tables and Aurora clusters, which ministack does not have: copies as of now.

Nothing starts a restore test by its schedule here. Instead, a job whose copy is named as in a restore test
(`awsbackup-restore-test-…`) counts as one of the restore-testing plan. A job that is done sends its event to
EventBridge.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.server import metadata, upstream
from embedded_aws.server.api import client
from embedded_aws.server.types import backup

_PLAN = "AWS::Backup::RestoreTestingPlan"
_TEST_PREFIX = "awsbackup-restore-test-"
_JOBS = ("restore-jobs",)
_VALIDATION = "validations"
_jobs = upstream.scoped_table()
_Handler = Callable[..., Awaitable[Any]]


def install() -> None:
    """Register the operations."""
    upstream.service_handlers["backup"] = _with_restore_jobs(upstream.service_handlers["backup"])
    upstream.describe_restore_job.wrap(lambda _none: _describe)
    upstream.list_restore_jobs.wrap(lambda _none: _list)


def _with_restore_jobs(handle: _Handler) -> _Handler:
    async def handle_or_restore(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        parts = tuple(part for part in path.split("/") if part)
        if method != "PUT" or parts[:1] != _JOBS:
            return await handle(method, path, headers, body, query)
        # Off the event loop: a restore calls this server itself.
        return await asyncio.to_thread(_put, parts, json.loads(body or b"{}"))

    return handle_or_restore


def _put(parts: tuple[str, ...], request: dict[str, Any]) -> Any:
    if len(parts) == 1:
        return _start(request)
    job = _jobs.get(parts[1])
    if job is None or parts[2:] != (_VALIDATION,):
        return upstream.backup_not_found(f"Restore job '{parts[1]}' not found.")
    job["ValidationStatus"] = request["ValidationStatus"]
    job["ValidationStatusMessage"] = request.get("ValidationStatusMessage", "")
    return upstream.json_response({}, 204)


def _start(request: dict[str, Any]) -> Any:
    """Restore from the ARN of a backup: that of its table or cluster, followed by `/backup/<id>`."""
    original, _, point = request["RecoveryPointArn"].partition("/backup/")
    restore = _RESTORES.get(request.get("ResourceType", ""))
    if restore is None or not point:
        message = "the embedded AWS restores only DynamoDB tables and Aurora clusters, from <their ARN>/backup/<id>"
        return upstream.error_response("InvalidParameterValueException", message, 400)
    began = time.time()
    target, created = restore(original, request["Metadata"])
    job = {
        "AccountId": upstream.account(),
        "RestoreJobId": str(uuid.uuid4()).upper(),
        "RecoveryPointArn": request["RecoveryPointArn"],
        "SourceResourceArn": original,
        "CreatedResourceArn": created,
        "ResourceType": request["ResourceType"],
        "IamRoleArn": request.get("IamRoleArn", ""),
        "Status": "COMPLETED",
        "PercentDone": "100.00%",
        "CreationDate": began,
        "CompletionDate": time.time(),
        "RecoveryPointCreationDate": began,
        **_creator(target),
    }
    _jobs[job["RestoreJobId"]] = job
    _send_event(job)
    return upstream.backup_answer({"RestoreJobId": job["RestoreJobId"]})


def _restore_table(source: str, given: dict[str, Any]) -> tuple[str, str]:
    """Return the name and the ARN of the copy."""
    target = given["targetTableName"]
    table = client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=source.rpartition("/")[2], TargetTableName=target, UseLatestRestorableTime=True
    )
    return target, table["TableDescription"]["TableArn"]


def _restore_cluster(source: str, given: dict[str, Any]) -> tuple[str, str]:
    """Return the name and the ARN of the copy, a cluster without instances, as AWS Backup restores it."""
    target = given["DBClusterIdentifier"]
    cluster = client("rds").restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=source.rpartition(":")[2], DBClusterIdentifier=target, UseLatestRestorableTime=True
    )
    return target, cluster["DBCluster"]["DBClusterArn"]


_RESTORES: Mapping[str, Callable[[str, dict[str, Any]], tuple[str, str]]] = {
    "Aurora": _restore_cluster,
    "DynamoDB": _restore_table,
}


def _creator(copy: str) -> dict[str, Any]:
    plan = next(iter(metadata.every(_PLAN)), None)
    if plan is None or not copy.startswith(_TEST_PREFIX):
        return {}
    created = {"RestoreTestingPlanArn": backup.plan_arn(plan["RestoreTestingPlanName"])}
    return {"CreatedBy": created, "ValidationStatus": "VALIDATING"}


def _send_event(job: dict[str, Any]) -> None:
    """Send the event: https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html."""
    detail = {
        "restoreJobId": job["RestoreJobId"],
        "backupSizeInBytes": "0",
        "creationDate": _iso(job["CreationDate"]),
        "completionDate": _iso(job["CompletionDate"]),
        "iamRoleArn": job["IamRoleArn"],
        "percentDone": 100,
        "resourceType": job["ResourceType"],
        "status": job["Status"],
        "createdResourceArn": job["CreatedResourceArn"],
        "sourceResourceArn": job["SourceResourceArn"],
        "recoveryPointArn": job["RecoveryPointArn"],
        **({"restoreTestingPlanArn": job["CreatedBy"]["RestoreTestingPlanArn"]} if "CreatedBy" in job else {}),
    }
    entry = {
        "Source": "aws.backup",
        "DetailType": "Restore Job State Change",
        "Detail": json.dumps(detail),
        "Resources": [job["RecoveryPointArn"]],
    }
    upstream.put_events({"Entries": [entry]}, allow_aws_source=True)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _describe(job_id: str) -> Any:
    job = _jobs.get(job_id)
    if job is None:
        return upstream.backup_not_found(f"Restore job '{job_id}' not found.")
    return upstream.backup_answer(job)


def _list(query: dict[str, str]) -> Any:
    """List jobs by plan and by status; other filters are ignored."""
    plan, status = query.get("restoreTestingPlanArn"), query.get("status")
    found = [
        job
        for job in _jobs.values()
        if status in (None, job["Status"]) and plan in (None, job.get("CreatedBy", {}).get("RestoreTestingPlanArn"))
    ]
    return upstream.backup_answer({"RestoreJobs": found})
