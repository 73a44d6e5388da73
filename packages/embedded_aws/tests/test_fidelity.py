"""The list of types: in order, each type verified, everything else refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from embedded_aws import fidelity
from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.fidelity import Level
from embedded_aws.resolve import Scope
from embedded_aws.verify import compare, verified_types
from embedded_testing import Deploy
from embedded_testing.listed import BOOTSTRAP_ONLY, OTHERS
from embedded_testing.stack import exists


def test_every_listed_type_is_verified() -> None:
    assert verified_types() | BOOTSTRAP_ONLY == set(fidelity.load())


def test_the_list_is_in_order_and_each_entry_is_one_sentence() -> None:
    entries = fidelity.load()
    assert list(entries) == sorted(entries)
    for name, entry in entries.items():
        assert entry.cannot_prove.endswith("."), name
        assert len(entry.cannot_prove) <= 120, name


@pytest.mark.emulator
def test_every_other_listed_type_deploys_and_is_what_it_declares(aws: Aws, deploy: Deploy) -> None:
    made = deploy(OTHERS)
    assert made.status == "CREATE_COMPLETE"
    scope = Scope({"Resources": OTHERS}, {}, made.physical_ids, {}, [])
    for logical_id, declared in OTHERS.items():
        if declared["Type"] not in BOOTSTRAP_ONLY:
            properties = scope.resolve(declared.get("Properties", {}))
            physical_id = made.physical_ids[logical_id]
            resource = DeployedResource(
                "root", logical_id, declared["Type"], properties, physical_id, "CREATE_COMPLETE"
            )
            checks = list(compare(aws, resource))
            assert checks, logical_id
            assert [check for check in checks if not check.passed] == []
            gone = replace(resource, physical_id=f"{physical_id}-gone")
            if fidelity.load()[declared["Type"]].level is not Level.METADATA:
                assert not all(check.passed for check in compare(aws, gone)), logical_id


@pytest.mark.emulator
@pytest.mark.parametrize("unknown", ["AWS::No::Such", "AWS::Kinesis::Stream"])
def test_a_root_stack_with_a_type_that_is_not_listed_is_refused(deploy: Deploy, unknown: str) -> None:
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        deploy({"Topic": {"Type": "AWS::SNS::Topic"}, "Unknown": {"Type": unknown}})


@pytest.mark.emulator
def test_a_custom_resource_in_a_root_stack_fails_and_rolls_back(aws: Aws, deploy: Deploy, stack_name: str) -> None:
    custom = {"Type": "Custom::Anything", "Properties": {"ServiceToken": "any"}, "DependsOn": "Topic"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "rolled-back"}}
    assert deploy({"Topic": topic, "Custom": custom}).status == "ROLLBACK_COMPLETE"
    assert exists(aws, stack_name)
    arns = [each["TopicArn"] for each in aws("sns").list_topics()["Topics"]]
    assert not [arn for arn in arns if arn.endswith(":rolled-back")]
