"""Service-linked roles."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.preflight.check import Check, Outcome, ok, warn
from ops.preflight.context import CheckContext, items

# Role by the CloudFormation type that needs it.
ROLES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "AWS::Backup::BackupPlan": "AWSServiceRoleForBackup",
    "AWS::ECS::Service": "AWSServiceRoleForECS",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "AWSServiceRoleForElasticLoadBalancing",
    "AWS::RDS::DBCluster": "AWSServiceRoleForRDS",
}


class ServiceLinkedRoles(Check):
    """The roles that services keep for themselves."""

    id = "PF-IAM-01"
    title = "The service-linked roles exist"
    why = "In a new account the first ECS service fails: unable to assume the service linked role. A second try works."
    fix = "Create them: `aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com`, and so on."
    source = "https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html"
    calls = ("iam:GetRole",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for the role of each planned type."""
        needed = [role for kind, role in ROLES.items() if context.plan.count(kind)]
        missing = [role for role in needed if not self._exists(context, role)]
        if missing:
            yield warn(f"missing: {items(missing)}; services make them when whoever deploys may")
        else:
            yield ok(f"{len(needed)} roles")

    def _exists(self, context: CheckContext, role: str) -> bool:
        try:
            context.ask("iam:GetRole", RoleName=role)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return False
            raise
        return True
