"""Findings of scanners that stay in the database stack, and why."""

from __future__ import annotations

from stacks.common.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    NOT_PROTECTED,
    PCI,
    accepted,
    acknowledge,
    managed_policy,
    skip_checkov,
)
from stacks.database.stack import DatabaseStack

NO_LOGS = "database.log_exports is empty: an environment without customers' data saves their price; staging has them."
NO_MONITORING = "database.enhanced_monitoring_seconds is 0: only an environment without customers' traffic has it off."
NO_UPGRADES = "AWS advises to stay on a long-term support release; upgrades come through the template (DR-AURORA-20)."
IN_THE_PLAN = "A plan of another nested stack selects the cluster by ARN: this rule reads one stack, DR-BACKUP-02 all."
AWS_POLICY = "AWS prescribes this policy for Enhanced Monitoring; it may write to the log groups RDSOS* and no others."


def acknowledge_findings(stack: DatabaseStack) -> None:
    """Acknowledge what stays, each on the resource concerned and only under the setting that makes it true."""
    settings, cluster = stack.settings, stack.aurora.cluster
    monitored = bool(settings.enhanced_monitoring_seconds)
    findings = []
    if not stack.removal.deletion_protection:
        findings = [
            accepted(AWS_SOLUTIONS, rule="RDS10", reason=NOT_PROTECTED),
            accepted(HIPAA, NIST, rule="RDSInstanceDeletionProtectionEnabled", reason=NOT_PROTECTED),
        ]
    if "postgresql" not in settings.log_exports:
        rule = "RDSLoggingEnabled[LogExport::postgresql]"
        findings.append(accepted(HIPAA, NIST, PCI, rule=rule, reason=NO_LOGS))
    acknowledge(cluster, *findings)
    findings = [
        accepted(HIPAA, NIST, rule="RDSInBackupPlan", reason=IN_THE_PLAN),
        accepted(HIPAA, PCI, rule="RDSAutomaticMinorVersionUpgradeEnabled", reason=NO_UPGRADES),
    ]
    if not monitored:
        findings.append(accepted(HIPAA, NIST, rule="RDSEnhancedMonitoringEnabled", reason=NO_MONITORING))
    for member in ("Writer", *(f"Reader{number + 1}" for number in range(settings.readers))):
        instance = cluster.node.find_child(member)
        acknowledge(instance, *findings)
        if not monitored:
            skip_checkov(instance, {"CKV_AWS_118": NO_MONITORING})
    if monitored:
        role = cluster.node.find_child("MonitoringRole")
        acknowledge(role, managed_policy("AmazonRDSEnhancedMonitoringRole", AWS_POLICY))
