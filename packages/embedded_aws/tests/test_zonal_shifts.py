"""Zonal shifts: the targets of a zone get no more requests until the shift ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify import compare
from embedded_testing import Deploy
from embedded_testing.balanced import template
from embedded_testing.balancing import balanced, named, run, turns
from embedded_testing.refused import refused
from embedded_testing.stack import Stack


def test_a_target_that_is_shifted_away_gets_no_requests_unless_all_are() -> None:
    async def test() -> None:
        async with balanced(*map(named, "ab")) as lab:
            first, second = (lab.group.members[each] for each in lab.addresses)
            lab.choose = lambda _group: lab.group.choose(lambda target: target is first)  # type: ignore[method-assign]
            assert await turns(lab, 3) == {"b": 3}
            lab.group.mark(second, "unhealthy")
            assert await turns(lab, 2) == {"b": 2}
            lab.choose = lambda _group: lab.group.choose(lambda _target: True)  # type: ignore[method-assign]
            assert await turns(lab, 2) == {"a": 2}
            await asyncio.sleep(0)

    run(test)


@pytest.fixture
def made(deploy: Deploy, aws: Aws) -> Stack:
    stack = deploy(template())
    aws("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=stack.physical_ids["Balancer"],
        Attributes=[{"Key": "zonal_shift.config.enabled", "Value": "true"}],
    )
    return stack


def override(aws: Aws, stack: Stack, host: str) -> str:
    (found,) = aws("elbv2").describe_target_health(
        TargetGroupArn=stack.physical_ids["Targets"], Targets=[{"Id": host, "Port": 80}]
    )["TargetHealthDescriptions"]
    return str(found.get("AdministrativeOverride", {}).get("State"))


@pytest.mark.emulator
def test_a_shift_is_started_listed_and_canceled(aws: Aws, made: Stack) -> None:
    shifts, balancer = aws("arc-zonal-shift"), made.physical_ids["Balancer"]
    first, second = (
        subnet["AvailabilityZoneId"]
        for subnet in sorted(
            aws("ec2").describe_subnets(SubnetIds=[made.physical_ids["One"], made.physical_ids["Two"]])["Subnets"],
            key=lambda subnet: str(subnet["CidrBlock"]),
        )
    )
    request: dict[str, Any] = {
        "resourceIdentifier": balancer, "awayFrom": first, "expiresIn": "30m", "comment": "zone is lost",
    }  # fmt: skip
    started = shifts.start_zonal_shift(**request)
    assert (started["status"], started["awayFrom"]) == ("ACTIVE", first)
    assert (started["expiryTime"] - started["startTime"]).total_seconds() == 1800
    assert [override(aws, made, host) for host in ("10.9.0.9", "10.9.1.9")] == ["zonal_shift_active", "no_override"]
    assert refused(lambda: shifts.start_zonal_shift(**request))[0] == "ConflictException"
    assert shifts.get_managed_resource(resourceIdentifier=balancer)["appliedWeights"] == {first: 0.0, second: 1.0}
    identifier = started["zonalShiftId"]
    assert [each["zonalShiftId"] for each in shifts.list_zonal_shifts(resourceIdentifier=balancer)["items"]] == [
        identifier
    ]
    assert shifts.cancel_zonal_shift(zonalShiftId=identifier)["status"] == "CANCELED"
    assert refused(lambda: shifts.cancel_zonal_shift(zonalShiftId=identifier))[0] == "ConflictException"
    active = shifts.list_zonal_shifts(status="ACTIVE", resourceIdentifier=balancer)["items"]
    assert active == shifts.get_managed_resource(resourceIdentifier=balancer)["zonalShifts"] == []
    assert override(aws, made, "10.9.0.9") == "no_override"


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"awayFrom": "use1-az9"}, "ValidationException"),
        ({"expiresIn": "4m0"}, "ValidationException"),
        ({"expiresIn": "73h"}, "ValidationException"),
        ({"resourceIdentifier": "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/none/1"},
         "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_a_shift_that_aws_does_not_begin_is_refused(aws: Aws, made: Stack, wrong: dict[str, str], code: str) -> None:
    balancer = made.physical_ids["Balancer"]
    request = {"resourceIdentifier": balancer, "awayFrom": "use1-az1", "expiresIn": "1h", "comment": "test", **wrong}
    shifts = aws("arc-zonal-shift")
    assert refused(lambda: shifts.start_zonal_shift(**request))[0] == code
    assert refused(lambda: shifts.cancel_zonal_shift(zonalShiftId="0" * 36))[0] == "ResourceNotFoundException"


def autoshift(**balancer: Any) -> dict[str, Any]:
    """Return a load balancer with an autoshift whose practice runs an alarm ends."""
    made = template()
    made["Resources"]["Balancer"]["Properties"].update(balancer)
    alarm = {"AlarmIdentifier": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors", "Type": "CLOUDWATCH"}
    properties = {
        "ResourceIdentifier": {"Ref": "Balancer"},
        "ZonalAutoshiftStatus": "ENABLED",
        "PracticeRunConfiguration": {"OutcomeAlarms": [alarm], "BlockedDates": ["2026-12-24"]},
    }
    made["Resources"]["Autoshift"] = {
        "Type": "AWS::ARCZonalShift::ZonalAutoshiftConfiguration", "Properties": properties,
    }  # fmt: skip
    return made


TAKES_PART = {"LoadBalancerAttributes": [{"Key": "zonal_shift.config.enabled", "Value": "true"}]}


@pytest.mark.emulator
def test_an_autoshift_is_shown_by_its_load_balancer_until_it_is_deleted(aws: Aws, deploy: Deploy) -> None:
    declared = autoshift(**TAKES_PART)
    stack = deploy(declared)
    assert stack.status == "CREATE_COMPLETE"
    balancer, shifts = stack.physical_ids["Balancer"], aws("arc-zonal-shift")
    assert stack.physical_ids["Autoshift"] == balancer
    found = shifts.get_managed_resource(resourceIdentifier=balancer)
    alarm = {"alarmIdentifier": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors", "type": "CLOUDWATCH"}
    assert found["zonalAutoshiftStatus"] == "ENABLED"
    assert found["practiceRunConfiguration"] == {"outcomeAlarms": [alarm], "blockedDates": ["2026-12-24"]}
    properties = {**declared["Resources"]["Autoshift"]["Properties"], "ResourceIdentifier": balancer}
    kind = "AWS::ARCZonalShift::ZonalAutoshiftConfiguration"
    resource = DeployedResource("root", "Autoshift", kind, properties, balancer, "CREATE_COMPLETE")
    assert [check.what for check in compare(aws, resource) if check.passed] == [
        "resource", "status", "outcomeAlarms", "blockedDates",
    ]  # fmt: skip
    for wrong in ({"ZonalAutoshiftStatus": "DISABLED"}, {"PracticeRunConfiguration": {"BlockedDates": ["2026-12-25"]}}):
        other = replace(resource, properties={**resource.properties, **wrong})
        assert not all(check.passed for check in compare(aws, other))
    del declared["Resources"]["Autoshift"]
    assert deploy(declared).status == "UPDATE_COMPLETE"
    found = shifts.get_managed_resource(resourceIdentifier=balancer)
    assert (found["zonalAutoshiftStatus"], "practiceRunConfiguration" in found) == ("DISABLED", False)


@pytest.mark.emulator
def test_an_autoshift_of_a_load_balancer_that_takes_no_part_fails(deploy: Deploy) -> None:
    assert deploy(autoshift()).status == "ROLLBACK_COMPLETE"


@pytest.mark.emulator
def test_a_load_balancer_that_takes_no_part_is_no_managed_resource(aws: Aws, deploy: Deploy) -> None:
    stack = deploy(template())
    balancer = stack.physical_ids["Balancer"]
    found = refused(lambda: aws("arc-zonal-shift").get_managed_resource(resourceIdentifier=balancer))
    assert found[0] == "ResourceNotFoundException"
    assert override(aws, stack, "10.9.0.9") == "None"
    assert refused(aws("arc-zonal-shift").list_managed_resources)[0] == "NotImplementedException"
