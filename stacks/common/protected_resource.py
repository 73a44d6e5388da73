"""What a stack tells the backup stack about a resource that is backed up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ProtectedResource:
    """A resource that is backed up and restored as a test.

    Attributes:
        construct_id: id of its restore-testing selection.
        selection_name: name of that selection: letters, digits and underscores only.
        resource_type: AWS Backup's name of the type, ``Aurora`` or ``DynamoDB``.
        arn: the resource.
        restore_metadata: settings of the restored copy that AWS Backup cannot infer; without a subnet group it would
            look for a default VPC. https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html
    """

    construct_id: str
    selection_name: str
    resource_type: str
    arn: str
    restore_metadata: dict[str, str] = field(default_factory=dict)
