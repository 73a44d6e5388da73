"""The bill: against three worked out by hand from the settings and AWS's prices, and what it says of every type."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from breakwater_guards.model.assembly import Assembly as Templates
from ops.estimate.bill import Bill, make_bill
from ops.estimate.data import load_data
from ops.estimate.month import Month
from ops.estimate.quantities import QUANTITIES, days_between
from ops.preflight.context import Plan, load_plan
from stacks.profiles import PROFILES
from tests.assembly import Assembly, assembly

DATA = load_data()
HOURS = 730
# 730 hours are 30.4 days, in which a weekly test runs 4.345 times.
DAYS, TESTS = 30.417, 4.345

# What every environment has, whatever its load.
ALWAYS = sum(
    (
        3 * 1.00,  # keys for data, messages and backups
        55 * 0.10,  # 49 alarms: 47 with one metric, one with six operations, one with two counts
        0.50,  # the alarm that combines two others
        3 * 3.00,  # dashboards
        17 * 0.30,  # metrics of the functions: heartbeat, six healths, eight ages and tests, two of the failover
        7 * 0.30,  # metrics of the reference service
        43_800 * 2 * 0.25 * 0.0000133334,  # the health monitor: each minute 2 s with 256 MB
        43_800 * (0.20e-6 + 0.01e-3),  # its requests, and those with which it publishes metrics
        43_800 * 15 * 0.40e-6,  # polling the queue of restore tests
        TESTS * 2 * 1.50,  # a recovery point of Aurora and one of the table, each Sunday
        TESTS * 4 * 0.5 * 0.12,  # the restored cluster, half an ACU for four hours
        16.425,  # the load balancer, $0.0225 an hour
        2 * 3.65,  # its addresses in two zones
        0.40,  # the secret of the owner of the database
    )
)


def _bill(deployment: Assembly) -> Bill:
    return make_bill(load_plan(deployment.folder), DATA)


def test_dev_without_load_is_what_is_worked_out_by_hand(dev: Assembly) -> None:
    expected = ALWAYS + sum(
        (
            2 * 0.5 * HOURS * 0.12,  # writer and reader at half an ACU
            1 * 0.10,  # 1 GB of storage
            2 * 0.25 * HOURS * 0.03238,  # two tasks with a quarter of a vCPU
            2 * 0.5 * HOURS * 0.00356,  # and 512 MB
            2 * HOURS * 0.005,  # with public addresses
            38 * 0.30,  # Container Insights
            (2 * HOURS * 60 * 3000 + 2 * HOURS * 250_000) / 1e9 * 0.50,  # its log, and that of the tasks
            0.5 * 0.50,  # flow logs
            1 * (7 / 7 + 24 / DAYS) * 0.021,  # weekly and monthly snapshots beyond the seven days of the cluster
        )
    )
    assert _bill(dev).total[0] == pytest.approx(expected, rel=0.005)


def test_prod_without_load_is_what_is_worked_out_by_hand(prod: Assembly) -> None:
    expected = ALWAYS + sum(
        (
            2 * 1 * HOURS * 0.12,  # writer and reader at one ACU
            2 * 1 * HOURS * 0.003125,  # Database Insights, advanced
            2 * 43_800 * 4000 / 1e9 * 0.50,  # Enhanced Monitoring each minute
            1 * 0.10,  # 1 GB of storage
            2 * 1 * HOURS * 0.03238,  # two tasks with a vCPU
            2 * 2 * HOURS * 0.00356,  # and 2 GB
            (38 + 2 * 27) * 0.07,  # Container Insights with enhanced observability
            (2 * HOURS * 60 * 3000 + 2 * HOURS * 250_000) / 1e9 * 0.50,  # its log, and that of the tasks
            5 * 2 * HOURS * 0.01,  # five interface endpoints in two zones
            5 * 0.01,  # 5 GB through them
            0.5 * 0.50,  # flow logs
            5 + 5 * 1,  # web ACL with five rules
            4 * 0.50,  # Contributor Insights of the table
            1 * (60 / 7 + 330 / DAYS) * 0.021,  # weekly and monthly snapshots beyond the 35 days of the cluster
        )
    )
    assert _bill(prod).total[0] == pytest.approx(expected, rel=0.005)


def test_prod_with_nat_at_50_a_second_is_what_is_worked_out_by_hand(prod_nat: Assembly) -> None:
    count = 50 * 3600 * HOURS  # 131.4 million transfers
    data = 1 + count * 600 / 1e9  # 80 GB in Aurora
    items = count / DAYS * 500 / 1e9  # 2.2 GB in DynamoDB: those of a day
    logs = 0.50 + 0.15 * 12 * 0.03  # a GB ingested, and kept for a year, compressed
    expected = ALWAYS + sum(
        (
            2 * 1 * HOURS * (0.12 + 0.003125),  # 50 x 0.02 ACU is what the instances have at least
            data * 0.10,
            4 * count * 0.20e-6,  # I/O
            count * 600 / 1e9 * 35 / DAYS * 0.021,  # changes of the 35 days to which the cluster can be restored
            data * (60 / 7 + 330 / DAYS) * 0.021,  # snapshots of the vault
            count * (0.625e-6 + 2 * 0.03e-6),  # writes to the table, seen by two rules
            items * (0.25 + 0.20) + 4 * 0.50,  # stored, with point-in-time recovery; four rules
            items * (35 + 35 + 95 / 7 + 365 / DAYS) * 0.10,  # two daily, weekly and monthly copies of the table
            items * TESTS * 0.15,  # restored each week
            count * 0.005e-3,  # receipts
            count * 400 / 1e9 * 0.023,  # their storage
            count * 700 / 1e9 * 12 * 0.023,  # access logs of a year
            3 * HOURS * (0.03238 + 2 * 0.00356),  # 3000 requests a minute, 1000 for a task
            (38 + 3 * 27) * 0.07,
            (3 * HOURS * 60 * 3000 + 3 * HOURS * 250_000 + 2 * 43_800 * 4000) / 1e9 * logs,
            count * 1500 / 1e9 * 0.008,  # 0.27 LCU, by traffic
            count * 700 / 1e9 * 0.09,  # answers
            count * 3000 / 1e9 / 2 * 0.02,  # half of the traffic to the writer crosses zones
            2 * HOURS * (0.045 + 0.005),  # two NAT gateways and their addresses
            (5 + count * 20 / 1e9) * 0.045,
            (0.5 + count * 50 / 1e9) * logs,  # flow logs
            5 + 5 * 1 + count * 0.60e-6,  # web ACL
            count * 0.01 * 1500 / 1e9 * logs,  # what it blocks
        )
    )
    assert _bill(prod_nat).total[2] == pytest.approx(expected, rel=0.005)


def test_every_type_has_a_price_or_a_reason_to_cost_nothing_and_no_price_is_left_over() -> None:
    types, prices = set[str](), set[str]()
    for profile in PROFILES:
        plan = load_plan(assembly(profile).folder)
        bill = make_bill(plan, DATA)
        assert not bill.unknown, profile
        types |= {each.type for template in plan.assembly.templates.values() for each in template.resources.values()}
        prices |= set(bill.prices)
    assert types == set(QUANTITIES) | set(DATA.free)
    assert not set(QUANTITIES) & set(DATA.free)
    assert prices == set(DATA.prices)


def test_a_doubled_task_count_doubles_fargate(prod: Assembly, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prod.folder, tmp_path / "assembly"))
    (file,) = (each for each in folder.glob("*.json") if '"DesiredCount"' in each.read_text(encoding="utf-8"))
    template = json.loads(file.read_text(encoding="utf-8"))
    (service,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::ECS::Service")
    service["Properties"]["DesiredCount"] *= 2
    file.write_text(json.dumps(template), encoding="utf-8")
    before, after = _bill(prod).prices, make_bill(load_plan(folder), DATA).prices
    for price in ("fargate_arm_vcpu_hour", "fargate_arm_gb_hour"):
        assert after[price][0] == pytest.approx(2 * before[price][0])


def test_an_unknown_type_is_listed_and_in_no_sum() -> None:
    resources = {name: {"Type": "AWS::MSK::Cluster"} for name in ("One", "Two")} | {"Key": {"Type": "AWS::KMS::Key"}}
    bill = make_bill(Plan(Templates.from_document({"Resources": resources})), DATA)
    assert bill.unknown == {"AWS::MSK::Cluster": 2}
    assert bill.total == [1.0] * 4


def test_a_load_beyond_the_limits_costs_the_limits_and_says_so(dev: Assembly) -> None:
    bill = _bill(dev)
    assert bill.limits[50] == []
    assert bill.limits[500] == ["compute.max_tasks (4 of 30 tasks)", "database.max_acu (2 of 10 ACU)"]
    assert bill.prices["fargate_arm_vcpu_hour"][3] == pytest.approx(4 * 0.25 * HOURS * 0.03238)


@pytest.mark.parametrize(("tier", "capacity"), [(0, 10), (1, 10), (2, 1)])
def test_a_reader_of_a_later_tier_stays_at_the_lowest_capacity(tier: int, capacity: float) -> None:
    scaling = {"MinCapacity": 1, "MaxCapacity": 16}
    reader = {"DBClusterIdentifier": {"Ref": "Cluster"}, "PromotionTier": tier}
    resources = {
        "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": {"ServerlessV2ScalingConfiguration": scaling}},
        "Reader": {"Type": "AWS::RDS::DBInstance", "Properties": reader},
    }
    month = Month(Plan(Templates.from_document({"Resources": resources})), DATA, rate=500)
    (found,) = month.plan.resources("AWS::RDS::DBInstance")
    assert month.capacity(found) == capacity


def test_a_reference_that_leads_nowhere_is_an_error() -> None:
    service = {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "app:1"}}
    plan = Plan(Templates.from_document({"Resources": {"Service": service}}))
    with pytest.raises(ValueError, match="template:Service: TaskDefinition does not lead to a resource"):
        make_bill(plan, DATA)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("cron(0 11 * * ? *)", 1),
        ("cron(0 9 ? * SUN *)", 7),
        ("cron(0 9 ? * MON-FRI *)", 7 / 5),
        ("cron(0 9 ? * 1,4 *)", 7 / 2),
        ("cron(0 9 ? * 6#3 *)", HOURS / 24),
        ("cron(0 9 1,15 * ? *)", HOURS / 24 / 2),
    ],
)
def test_days_between_two_runs(schedule: str, days: float) -> None:
    month = Month(Plan(Templates.from_document({"Resources": {}})), DATA, rate=0)
    assert days_between(schedule, month) == pytest.approx(days)


def test_what_is_off_costs_nothing() -> None:
    resources = {
        "Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": [{"Region": "us-east-1"}]}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Internal": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Scheme": "internal"}},
    }
    bill = make_bill(Plan(Templates.from_document({"Resources": resources})), DATA)
    assert {key for key, dollars in bill.prices.items() if dollars[0]} == {"load_balancer_hour"}
    assert not {"table_pitr_gb", "insight_rule", "metric", "public_address_hour"} & set(bill.prices)
