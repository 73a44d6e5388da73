"""What a changed setting does to a deployment that is there: the change is synthesized, and the templates compared.

A resource is replaced by a change of what its CloudFormation schema calls create-only; the schemas come with cfn-lint.
Preflight (PF-CFN-03) refuses what would lose data or the network that way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from breakwater_guards.model.assembly import Assembly
from ops.check.schemas import create_only
from ops.preflight.checks.stack import CREATE_ONLY, DISPENSABLE
from stacks import profiles
from stacks.settings import Settings, SettingsError, load_settings
from stacks.settings.fields import FIELDS

FREE = "free"
# Known without a comparison, each with the preflight check that says so, or the page of AWS.
KNOWN = {
    "environment": "refused (PF-CFN-02)",
    "suffix": "another deployment",
    "region": "another deployment",
    "account": "another deployment",
    "database.engine_version": "upgrades only (PF-RDS-07)",
    "database.backup_retention_days": "two deployments, with a backup between (PF-BACKUP-03)",
    "backup.continuous_retention_days": "two deployments, with a backup between (PF-BACKUP-03)",
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
    "storage.ttl_attribute": "two steps: turn time to live off by hand, deploy an hour later",
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
    "backup.lock": "free; nobody lifts `compliance` after its grace time",
}
# What is deployed: dev, with what can be replaced only where it is there.
DEPLOYED = {
    "monitoring.emails": "first@mycompany.com",
    "compute.domain_name": profiles.DOMAIN,
    "compute.hosted_zone_id": profiles.ZONE,
    "compute.waf": "true",
    "operations.experiments": "true",
}
# Values that differ from those, where the profile without defaults has none that does.
_OTHERS = {
    "removal.data": "snapshot",
    "removal.deletion_protection": "true",
    "removal.termination_protection": "true",
    "network.egress": "nat",
    "network.zones": "us-east-1a,us-east-1b,us-east-1c",
    "network.nat_gateways": "one",
    "network.restrict_default_security_group": "false",
    "monitoring.emails": "second@mycompany.com",
    "database.insights": "advanced",
    "compute.command": "serve",
    "compute.architecture": "x86_64",
    "compute.certificate_arn": profiles.CERTIFICATE,
    "compute.https_required": "true",
    "compute.waf": "false",
    "compute.exec_enabled": "true",
    "compute.zonal_autoshift": "true",
    "backup.lock_changeable_days": "10",
    "backup.copy_vault_arn": profiles.COPY_VAULT,
    "operations.experiments": "false",
}
VALUES: Mapping[str, str] = {
    **{key: value for key, value in profiles.PROFILES["unusual"].items() if key not in KNOWN},
    **_OTHERS,
}
# A new revision is how ECS changes a task definition.
_REVISED = ("AWS::ECS::TaskDefinition",)


def consequences(before: Mapping[str, str]) -> dict[str, str]:
    """Return what a change of each setting does after the first deployment.

    Args:
        before: what the page says now. Settings that it calls free are changed together and only told apart if that
            replaces anything, which makes the difference between a minute and five.
    """
    keys = [key for key in FIELDS if key not in KNOWN]
    suspects = [key for key in keys if before.get(key, FREE) != FREE]
    rest = [key for key in keys if key not in suspects]
    found = dict.fromkeys(keys, FREE)
    for group in ([rest] if rest else []) + [[key] for key in suspects]:
        found |= _told_apart(group)
    return {key: KNOWN.get(key) or found[key] for key in FIELDS}


def _told_apart(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    replaced = changed_types(keys)
    if replaced and len(keys) > 1:
        half = len(keys) // 2
        yield from _told_apart(keys[:half])
        yield from _told_apart(keys[half:])
    elif replaced:
        yield keys[0], in_words(replaced)


def in_words(types: Iterable[str]) -> str:
    """Return the words of the page for the types that a change replaces or removes; `free` for none."""
    lost = sorted(kind for kind in types if kind in CREATE_ONLY)
    listed = ", ".join(f"`{kind.removeprefix('AWS::')}`" for kind in (lost or sorted(types)))
    if not listed:
        return FREE
    return f"refused: would replace {listed} (PF-CFN-03)" if lost else f"replaces {listed}"


def changed_types(keys: Iterable[str]) -> frozenset[str]:
    """Return the types of the resources that a change of some settings replaces, or removes with what they hold."""
    before, after = _resources(frozenset()), _resources(frozenset(keys))
    found = set[str]()
    for place, (kind, properties) in before.items():
        if place not in after:
            if kind in CREATE_ONLY and kind not in DISPENSABLE:
                found.add(kind)
        elif any(properties.get(name) != after[place][1].get(name) for name in chain(*create_only(kind))):
            found.add(kind)
    return frozenset(found) - set(_REVISED)


@cache
def _resources(keys: frozenset[str]) -> Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]:
    """Synthesize what is deployed with some settings changed; return types and properties by construct path and id."""
    settings = _with(DEPLOYED, keys)
    with tempfile.TemporaryDirectory() as folder:
        profiles.synthesize(settings, Path(folder))
        templates = Assembly.load(Path(folder)).templates.values()
    return {
        (resource.construct_path or template.key, logical_id): (resource.type, resource.body.get("Properties", {}))
        for template in templates
        for logical_id, resource in template.resources.items()
    }


def _with(given: Mapping[str, str], keys: frozenset[str]) -> Settings:
    """Return the settings with some of them changed, and with those that can only change together with them."""
    try:
        return load_settings({**given, **{key: VALUES[key] for key in keys}})
    except SettingsError as error:
        others = {getattr(problem, "key", "") for problem in error.problems} & (set(VALUES) - keys)
        if not others:
            raise
        return _with(given, keys | others)
