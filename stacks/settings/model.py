"""All settings of one deployment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings.foundation import (
    KmsSettings,
    MonitoringSettings,
    NetworkSettings,
    ProjectSettings,
    RemovalSettings,
    Section,
)
from stacks.settings.operations import OperationsSettings
from stacks.settings.workload import (
    BackupSettings,
    ComputeSettings,
    DatabaseSettings,
    RecoverySettings,
    StorageSettings,
)

# A path and a name, or the ARN of a policy of the account or of AWS:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
BOUNDARY = r"^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/)?([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,128}$"


class Settings(Section):
    """Everything one deployment is made from."""

    environment: Literal["dev", "staging", "prod"]
    """Which file of `environments/` applies."""
    suffix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,11}$", examples=["eu1"])] = "dev"
    """Distinguishes deployments in one account; part of every physical name."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]$", examples=["eu-central-1"])] = "us-east-1"
    """AWS Region of the deployment."""
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$", examples=["111111111111"])] | None = None
    """AWS account; else `CDK_DEFAULT_ACCOUNT`, which the CLI takes from the credentials; else any."""
    permissions_boundary: (
        Annotated[str, Field(pattern=BOUNDARY, max_length=640, examples=["team/developer-boundary"])] | None
    ) = None
    """Permissions boundary of every role: a managed policy's name, after its path if it has one, or its ARN."""
    project: ProjectSettings = ProjectSettings()
    removal: RemovalSettings
    kms: KmsSettings
    network: NetworkSettings
    monitoring: MonitoringSettings
    database: DatabaseSettings
    storage: StorageSettings
    compute: ComputeSettings
    backup: BackupSettings
    recovery: RecoverySettings
    operations: OperationsSettings

    @property
    def copy_account(self) -> str | None:
        """Account of the vault for copies, where it is not the account of the deployment."""
        account = self.backup.copy_vault_arn.split(":")[4] if self.backup.copy_vault_arn else None
        return None if account == self.account else account
