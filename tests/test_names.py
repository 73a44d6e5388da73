"""Physical names: always with the suffix, never longer or stranger than their service accepts."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.names import METRIC_NAMESPACE, STACK_PREFIX, Names, OutputKey, PhysicalName, TagKey
from stacks.profiles import PROFILES
from stacks.settings import load_settings
from tests.settings.conftest import refused

# Every name as an operator types it; a change of one is a change of contract.
EXPECTED = {
    PhysicalName.AURORA_CLUSTER: ("dr-aurora-eu1-us-east-1", 60),
    PhysicalName.ECS_CLUSTER: ("dr-ecs-eu1-us-east-1", 255),
    PhysicalName.ECS_SERVICE: ("dr-service-eu1-us-east-1", 255),
    PhysicalName.LOAD_BALANCER: ("dr-alb-eu1-us-east-1", 32),
    PhysicalName.WEB_ACL: ("dr-waf-eu1-us-east-1", 128),
    PhysicalName.WAF_LOG_GROUP: ("aws-waf-logs-dr-eu1-us-east-1", 512),
    PhysicalName.TABLE: ("dr-transactions-eu1-us-east-1", 255),
    PhysicalName.ALERT_TOPIC: ("dr-alerts-eu1-us-east-1", 256),
    PhysicalName.BACKUP_VAULT: ("dr-vault-eu1-us-east-1", 50),
    PhysicalName.BACKUP_PLAN: ("dr-plan-eu1-us-east-1", 50),
    PhysicalName.RESTORE_TESTING_PLAN: ("dr_restore_eu1_us_east_1", 50),
    PhysicalName.AURORA_RESTORE_TEST: ("dr_aurora_eu1_us_east_1", 50),
    PhysicalName.TABLE_RESTORE_TEST: ("dr_table_eu1_us_east_1", 50),
    PhysicalName.HEALTH_MONITOR: ("dr-health-monitor-eu1-us-east-1", 64),
    PhysicalName.FAILOVER: ("dr-failover-eu1-us-east-1", 64),
    PhysicalName.RESTORE_VALIDATION: ("dr-restore-validation-eu1-us-east-1", 64),
    PhysicalName.MIGRATION: ("dr-migration-eu1-us-east-1", 64),
    PhysicalName.DATA_KEY_ALIAS: ("alias/dr-data-eu1", 256),
    PhysicalName.MESSAGING_KEY_ALIAS: ("alias/dr-messaging-eu1", 256),
    PhysicalName.BACKUP_KEY_ALIAS: ("alias/dr-backup-eu1", 256),
    PhysicalName.GOLDEN_SIGNALS_DASHBOARD: ("dr-golden-signals-eu1-us-east-1", 255),
    PhysicalName.DATA_TIER_DASHBOARD: ("dr-data-tier-eu1-us-east-1", 255),
    PhysicalName.RECOVERY_DASHBOARD: ("dr-recovery-eu1-us-east-1", 255),
}
UNDERSCORED = {PhysicalName.RESTORE_TESTING_PLAN, PhysicalName.AURORA_RESTORE_TEST, PhysicalName.TABLE_RESTORE_TEST}
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-1", "us-gov-east-1", "cn-northwest-1"]


def test_every_name_is_pinned_here() -> None:
    assert set(EXPECTED) == set(PhysicalName)
    assert len({name.form for name in PhysicalName}) == len(PhysicalName), "two names would collide"


@pytest.mark.parametrize("name", PhysicalName, ids=[name.name for name in PhysicalName])
def test_name_and_limit(name: PhysicalName) -> None:
    assert (Names("eu1", "us-east-1").physical_name(name), name.limit) == EXPECTED[name]


@settings(max_examples=100)
@given(suffix=st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True), region=st.sampled_from(REGIONS))
def test_a_suffix_that_the_settings_accept_fits_every_name(suffix: str, region: str) -> None:
    names = Names(suffix, region)
    too_long = any(len(names.physical_name(name)) > name.limit for name in PhysicalName)
    malformed = suffix.endswith("-") or "--" in suffix
    context = {"suffix": suffix, "region": region}
    if too_long or malformed:
        (found,) = refused(context)
        assert found.startswith(f'suffix = "{suffix}" cannot be used: allowed is ')
        return
    load_settings(context)
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: an instance adds a number
    assert len(names.aurora_instance(16)) <= 63
    for name in PhysicalName:
        text = names.physical_name(name)
        alphabet = r"[a-z0-9_]+" if name in UNDERSCORED else r"(alias/)?[a-z0-9-]+"
        assert re.fullmatch(alphabet, text), text
        assert (suffix.replace("-", "_") if name in UNDERSCORED else suffix) in text


def test_names_that_belong_to_another_name() -> None:
    names = Names("eu1", "us-east-1")
    assert names.stack == "Breakwater-eu1"
    assert names.alarm("aurora-cpu") == "dr-aurora-cpu-eu1-us-east-1"
    assert names.aurora_instance(2) == "dr-aurora-eu1-us-east-1-2"
    assert names.aurora_log_group("postgresql") == "/aws/rds/cluster/dr-aurora-eu1-us-east-1/postgresql"
    assert names.container_insights_log_group == "/aws/ecs/containerinsights/dr-ecs-eu1-us-east-1/performance"
    assert names.function_log_group(PhysicalName.FAILOVER) == "/aws/lambda/dr-failover-eu1-us-east-1"
    assert (METRIC_NAMESPACE, STACK_PREFIX) == ("Breakwater", "Breakwater")


@pytest.mark.parametrize("profile", PROFILES)
def test_two_deployments_share_no_name(profile: str) -> None:
    loaded = load_settings(PROFILES[profile])
    mine, other = Names(loaded.suffix, loaded.region), Names("zz9", loaded.region)
    assert not {mine.physical_name(name) for name in PhysicalName} & {
        other.physical_name(name) for name in PhysicalName
    }
    assert mine.stack != other.stack
    assert mine.alarm("x") != other.alarm("x")


def test_names_are_values_that_nobody_changes() -> None:
    names = Names("eu1", "us-east-1")
    assert hash(names) == hash(Names("eu1", "us-east-1"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        names.suffix = "eu2"  # type: ignore[misc]


def test_tag_keys() -> None:
    assert {key.name: key.value for key in TagKey} == {
        "PROJECT": "Project",
        "ENVIRONMENT": "Environment",
        "SUFFIX": "Suffix",
        "OWNER": "Owner",
        "COST_CENTER": "CostCenter",
    }


def test_output_keys_are_what_cloudformation_accepts_and_unique() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html: alphanumeric
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", key) for key in OutputKey)
    assert len(OutputKey.__members__) == len(list(OutputKey)), "two members share a key"
