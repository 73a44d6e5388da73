"""Service-linked roles."""

from __future__ import annotations

from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, ok, warn
from ops.preflight.context import CheckContext, listed

# The role by the CloudFormation type that needs it.
ROLES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "AWS::Backup::BackupPlan": "AWSServiceRoleForBackup",
    "AWS::ECS::Service": "AWSServiceRoleForECS",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "AWSServiceRoleForElasticLoadBalancing",
    "AWS::RDS::DBCluster": "AWSServiceRoleForRDS",
}


class ServiceLinkedRoles(Check):
    """Checks that the service-linked roles exist."""

    id = "PF-IAM-01"
    title = "The service-linked roles exist"
    why = "In a new account the first ECS service fails: unable to assume the service linked role. A second try works."
    fix = "Create them: `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`, and so on."
    source = "https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html"
    calls = ("iam:GetRole",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for the role of each planned type."""
        needed = [role for kind, role in ROLES.items() if context.plan.count(kind)]
        missing = [role for role in needed if context.ask.find("iam:GetRole", "NoSuchEntity", RoleName=role) is None]
        if missing:
            yield warn(f"missing: {listed(missing)}; the services create them if the deployer's rights allow it")
        else:
            yield ok(f"{len(needed)} roles")
