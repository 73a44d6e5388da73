"""AWS Backup: vault locks, and retention that the lock, the lifecycle and the service allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.backups import PLAN, services_of_plans
from breakwater_guards.aws.tags import environment_meant, inherited_tag
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.scalars import as_bool, as_number
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, is_known
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide"
VAULTS = ("AWS::Backup::BackupVault", "AWS::Backup::LogicallyAirGappedBackupVault")
RULES = "BackupPlan.BackupPlanRule"
COOLING_OFF_DAYS = 3
MAX_DAYS = 36_500
COLD_DAYS = 90
MAX_CONTINUOUS_DAYS = 35
DEVELOPMENT = ("dev", "test")
Action = tuple[Resource, Any, dict[str, Any], Any]


@rule(
    "DR-BACKUP-03",
    title="The values of a vault lock are valid",
    outcome=Outcome.REFUSED,
    prevents="Vault Lock needs MinRetentionDays from 1 up to MaxRetentionDays, and ChangeableForDays from 3 (a 72-hour "
    "cooling-off period) up to 36500: the vault fails to create (InvalidParameterValueException)",
    fix="Set MinRetentionDays, keep it below MaxRetentionDays, and leave ChangeableForDays out or at 3 or more.",
    sources=(f"{GUIDE}/API_PutBackupVaultLockConfiguration.html", f"{GUIDE}/vault-lock.html"),
)
def lock_values_are_valid(app: Assembly) -> Iterator[Breach]:
    """Find a minimum missing or above the maximum, or a cooling-off period below three days."""
    limits = {
        "MinRetentionDays": (1, MAX_DAYS),
        "MaxRetentionDays": (1, MAX_DAYS),
        "ChangeableForDays": (COOLING_OFF_DAYS, MAX_DAYS),
    }
    for vault in app.of_type(VAULTS[0]):
        for lock in vault.given("LockConfiguration"):
            if not isinstance(lock, dict):
                continue
            for name, (low, high) in limits.items():
                days = as_number(lock.get(name))
                if days is not None and not low <= days <= high:
                    path = f"LockConfiguration.{name}"
                    yield breach(vault, path, f"{show(lock[name])}; allowed: {low} to {high} days.")
            shortest, longest = _bounds(lock)
            if "MinRetentionDays" not in lock:
                yield breach(vault, "LockConfiguration.MinRetentionDays", "not set; CloudFormation needs it.")
            if shortest is not None and longest is not None and shortest > longest:
                message = f"{shortest:g} days is more than MaxRetentionDays, {longest:g}."
                yield breach(vault, "LockConfiguration.MinRetentionDays", message)


@rule(
    "DR-BACKUP-04",
    title="Retention stays within the vault's lock",
    outcome=Outcome.SILENT,
    prevents="The plan deploys, and every backup or copy job fails: its retention is shorter than the vault's minimum, "
    "or longer than its maximum",
    fix="Set DeleteAfterDays within MinRetentionDays and MaxRetentionDays of the vault's lock.",
    sources=(f"{GUIDE}/API_PutBackupVaultLockConfiguration.html", f"{GUIDE}/vault-lock.html"),
)
def retention_fits_lock(app: Assembly) -> Iterator[Breach]:
    """Find a rule or copy whose recovery points live shorter or longer than the lock of their vault allows."""
    vaults = Lookup(app, *VAULTS, name="BackupVaultName")
    for plan, rule_name, action, destination in view(app, _actions):
        vault = vaults.find(destination, plan.template)
        lifecycle = action.get("Lifecycle", {})
        if vault is None or not isinstance(lifecycle, dict) or _is_open_ended(action, lifecycle):
            continue
        for low, high in map(_bounds, _locks(vault)):
            written = lifecycle.get("DeleteAfterDays", ABSENT)
            days = as_number(written)
            too_short = low is not None and days is not None and days < low
            too_long = high is not None and (days > high if days is not None else written is ABSENT)
            if too_short or too_long:
                allowed = f"{low or 1:g} days or more" if high is None else f"{low or 1:g} to {high:g} days"
                kept = "kept forever" if written is ABSENT else f"{show(written)} days"
                message = f"rule {show(rule_name)}: {kept}; the lock of {vault.logical_id} allows {allowed}."
                yield breach(plan, f"{RULES}[].Lifecycle.DeleteAfterDays", message)


@rule(
    "DR-BACKUP-05",
    title="The lifecycle of a backup rule is valid",
    outcome=Outcome.REFUSED,
    prevents="Invalid lifecycle. DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays / "
    "Invalid lifecycle. MoveToColdStorageAfterDays is unavailable (continuous backup)",
    fix="Delete at least 90 days after the move to cold storage; keep continuous backups 1 to 35 days and never cold.",
    sources=(
        f"{GUIDE}/API_Lifecycle.html",
        f"{GUIDE}/point-in-time-recovery.html",
        "https://github.com/aws-cloudformation/cfn-lint/issues/2229",
        "https://github.com/lgallard/terraform-aws-backup/issues/40",
    ),
)
def lifecycle_is_valid(app: Assembly) -> Iterator[Breach]:
    """Find a backup that is deleted within 90 days of its move, or a continuous one that moves or outlives 35 days."""
    for plan, rule_name, action, _ in view(app, _actions):
        lifecycle = action.get("Lifecycle", {})
        if not isinstance(lifecycle, dict):
            continue
        moved, deleted = (as_number(lifecycle.get(f"{verb}AfterDays")) for verb in ("MoveToColdStorage", "Delete"))
        where = f"rule {show(rule_name)}"
        if moved is not None and deleted is not None and 0 <= deleted < moved + COLD_DAYS:
            message = f"{where}: {deleted:g} days; at least {moved + COLD_DAYS:g}, 90 after the move to cold storage."
            yield breach(plan, f"{RULES}[].Lifecycle.DeleteAfterDays", message)
        if as_bool(action.get("EnableContinuousBackup")) is True:
            if moved is not None and moved >= 0:
                path = f"{RULES}[].Lifecycle.MoveToColdStorageAfterDays"
                yield breach(plan, path, f"{where}: {moved:g} days; a continuous backup has no cold storage.")
            if deleted is not None and not 1 <= deleted <= MAX_CONTINUOUS_DAYS:
                message = f"{where}: {deleted:g} days; a continuous backup is kept 1 to {MAX_CONTINUOUS_DAYS}."
                yield breach(plan, f"{RULES}[].Lifecycle.DeleteAfterDays", message)


@rule(
    "DR-BACKUP-06",
    title="Cold storage is planned only for resources that support it",
    outcome=Outcome.LATER,
    prevents="Aurora has no cold storage in AWS Backup: recovery points stay warm, at the warm price, for their whole "
    "life, and no error is reported",
    fix="Leave MoveToColdStorageAfterDays out of plans for Aurora; shorten the retention, or export snapshots to S3.",
    sources=(f"{GUIDE}/backup-feature-availability.html",),
)
def cold_storage_is_supported(app: Assembly) -> Iterator[Breach]:
    """Find MoveToColdStorageAfterDays in a plan that selects Aurora clusters only."""
    services = view(app, services_of_plans)
    for plan, rule_name, action, _ in view(app, _actions):
        lifecycle = action.get("Lifecycle")
        moved = as_number(lifecycle.get("MoveToColdStorageAfterDays")) if isinstance(lifecycle, dict) else None
        if moved is not None and moved >= 0 and services.get(plan.reference) == {"aurora"}:
            message = f"rule {show(rule_name)}: {moved:g} days, but the plan selects Aurora clusters only."
            yield breach(plan, f"{RULES}[].Lifecycle.MoveToColdStorageAfterDays", message)


@rule(
    "DR-BACKUP-09",
    title="No vault of a development environment has a compliance lock",
    outcome=Outcome.POLICY,
    prevents="After ChangeableForDays the lock is final: neither you, nor the root user, nor AWS can delete the vault "
    "or a recovery point before its retention ends, and every month of it is charged",
    fix="Leave ChangeableForDays out (governance mode) where the Environment tag says development or test.",
    sources=(f"{GUIDE}/vault-lock.html",),
)
def development_has_no_final_lock(app: Assembly) -> Iterator[Breach]:
    """Find `ChangeableForDays`, which means compliance mode, in a stack tagged as development or test."""
    path = "LockConfiguration.ChangeableForDays"
    for vault in app.of_type(VAULTS[0]):
        for days in vault.given(path):
            environment = inherited_tag(vault, "environment")
            if environment and environment_meant(environment) in DEVELOPMENT:
                yield breach(vault, path, f"{show(days)} in a stack tagged Environment {show(environment)}.")


def _actions(app: Assembly) -> list[Action]:
    """Return plan, name of the rule, the rule or its copy action, and the vault that it writes to."""
    found: list[Action] = []
    for plan in app.of_type(PLAN):
        for item in plan.given(f"{RULES}[]"):
            if not isinstance(item, dict):
                continue
            name = item.get("RuleName", "")
            found.append((plan, name, item, item.get("TargetBackupVault")))
            copies = item.get("CopyActions")
            for copy in copies if isinstance(copies, list) else ():
                if isinstance(copy, dict):
                    # Without a lifecycle of its own, a copy has that of its source.
                    inherited = {"Lifecycle": item.get("Lifecycle", {})}
                    found.append((plan, name, inherited | copy, copy.get("DestinationBackupVaultArn")))
    return found


def _is_open_ended(action: dict[str, Any], lifecycle: dict[str, Any]) -> bool:
    """Tell whether a continuous backup states no end; AWS keeps it for 35 days at most all the same."""
    return as_bool(action.get("EnableContinuousBackup")) is True and "DeleteAfterDays" not in lifecycle


def _locks(vault: Resource) -> list[dict[str, Any]]:
    """Return the locks that a vault certainly has; an air-gapped vault states its bounds without a lock."""
    if vault.type == VAULTS[1]:
        return [{name: vault.get(name) for name in ("MinRetentionDays", "MaxRetentionDays")}]
    locks = vault.options("LockConfiguration")
    return [lock for lock in locks if isinstance(lock, dict)] if all(map(is_known, locks)) else []


def _bounds(lock: dict[str, Any]) -> tuple[float | None, float | None]:
    return as_number(lock.get("MinRetentionDays")), as_number(lock.get("MaxRetentionDays"))
