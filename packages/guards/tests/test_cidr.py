"""`Fn::Cidr`: the ranges that CloudFormation makes, and nothing where something is not known or does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.cidr import MAX_BLOCKS
from breakwater_guards.model.values import UNKNOWN
from guards_testing.build import one, resource

VPC = {"Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16")}
OF_VPC = {"Fn::GetAtt": ["Vpc", "CidrBlock"]}


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (["10.0.0.0/24", 2, 5], ["10.0.0.0/27", "10.0.0.32/27"]),
        (["10.0.0.0/16", "2", "8"], ["10.0.0.0/24", "10.0.1.0/24"]),
        (["10.0.0.0/24", 2, 7], ["10.0.0.0/25", "10.0.0.128/25"]),
        (["10.0.0.0/24", 3, 7], UNKNOWN),
        (["10.0.0.0/24", 1, 9], UNKNOWN),
        (["10.0.0.0/24", 0, 4], UNKNOWN),
        (["10.0.0.0/24", -1, 4], UNKNOWN),
        (["10.0.0.0/8", MAX_BLOCKS + 1, 8], UNKNOWN),
        (["10.0.0.0/24", 2], UNKNOWN),
        (["2001:db8::/56", 2, 64], UNKNOWN),
        (["x", 2, 8], UNKNOWN),
        ([{"Ref": "Open"}, 2, 8], UNKNOWN),
        (["10.0.0.0/24", {"Ref": "Open"}, 8], UNKNOWN),
        ("10.0.0.0/24", UNKNOWN),
        ([OF_VPC, 2, 8], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_ranges(argument: Any, expected: Any) -> None:
    found = one({"Fn::Cidr": argument}, Parameters={"Open": {"Type": "String"}})
    assert found.get("P") == expected
