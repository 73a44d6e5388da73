"""Seeded defects of what only one kind of environment may have."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation


@mutation("DR-HYGIENE-08")
def production_table_that_goes_with_its_stack(app: MutableApp) -> None:
    app.resource("AWS::DynamoDB::GlobalTable")["DeletionPolicy"] = "Delete"


@mutation("DR-BACKUP-09", profile="dev")
def final_lock_in_development(app: MutableApp) -> None:
    vault = app.properties("AWS::Backup::BackupVault")
    vault["LockConfiguration"] = {"MinRetentionDays": 1, "ChangeableForDays": 3}
