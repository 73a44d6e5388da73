"""Hygiene: what only one kind of environment may have: data that goes with its stack, locks that nobody can undo."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.tags import environment_meant, inherited_tag
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.rule import Breach, Severity, breach, rule, show
from breakwater_guards.rules.hygiene.data_loss import POLICIES

PRODUCTION, DEVELOPMENT = "prod", ("dev", "test")


@rule(
    "DR-HYGIENE-08",
    title="Production data outlives its stack",
    severity=Severity.WARNING,
    prevents="Nothing says so: `delete-stack`, or a change that replaces the resource, deletes production's data",
    fix="Set DeletionPolicy and UpdateReplacePolicy to Retain (or Snapshot) where the Environment tag says production.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    ),
    data="stateful_types",
)
def production_keeps_its_data(app: Assembly) -> Iterator[Breach]:
    """`Delete` on what holds data, in a stack whose `Environment` tag is production."""
    known = facts("stateful_types")
    for resource in app.of_type(*(kind for kind in known["types"] if kind not in known["copies"])):
        deleted = [name for name in POLICIES if resource.attribute(name) == "Delete"]
        environment = inherited_tag(resource, "environment") if deleted else None
        for name in deleted:
            if environment and environment_meant(environment) == PRODUCTION:
                yield breach(resource, "", f"{name} is 'Delete' in a stack tagged Environment {show(environment)}.")


@rule(
    "DR-BACKUP-09",
    title="No vault of a development environment has a lock that nobody can lift",
    prevents="After ChangeableForDays the lock is final: neither you, nor the root user, nor AWS can delete the vault "
    "or a recovery point before its retention ends, and every month of it is charged",
    fix="Leave ChangeableForDays out (governance mode) where the Environment tag says development or test.",
    sources=("https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html",),
)
def development_has_no_final_lock(app: Assembly) -> Iterator[Breach]:
    """`ChangeableForDays`, which means compliance mode, in a stack tagged as development or test."""
    path = "LockConfiguration.ChangeableForDays"
    for vault in app.of_type("AWS::Backup::BackupVault"):
        for days in vault.given(path):
            environment = inherited_tag(vault, "environment")
            if environment and environment_meant(environment) in DEVELOPMENT:
                yield breach(vault, path, f"{show(days)} in a stack tagged Environment {show(environment)}.")
