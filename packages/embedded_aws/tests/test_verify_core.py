"""What counts as agreement, and what becomes of a resource that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.resolve import UNRESOLVED
from embedded_aws.verify import core
from embedded_aws.verify.cloudformation import nested_stack
from embedded_aws.verify.core import Comparison, compare, declared, named, only, same, unordered

TYPE = "AWS::Test::Thing"


def resource(status: str = "CREATE_COMPLETE", **properties: Any) -> DeployedResource:
    return DeployedResource("Stack", "Thing", TYPE, properties, "thing-1", status)


def never(service: str) -> NoReturn:
    raise AssertionError(f"asked for {service}")


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 1),
        ("1", 1),
        (0.5, 0.5),
        (7, 7.0),
        (True, "true"),
        ("false", False),
        (None, None),
        ([1, "2"], [1, 2]),
        ({"a": [True]}, {"a": ["true"]}),
        (UNRESOLVED, "anything"),
        ({"a": UNRESOLVED}, {"a": "anything"}),
    ],
)
def test_these_agree(expected: Any, found: Any) -> None:
    assert Comparison("it", expected, found).passed


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 2),
        ("1", "2"),
        ("a", 1),
        (True, False),
        (True, None),
        (None, ""),
        ("a", None),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, [1]),
        (UNRESOLVED, None),
        (UNRESOLVED, ""),
        (UNRESOLVED, []),
    ],
)
def test_these_do_not(expected: Any, found: Any) -> None:
    assert not Comparison("it", expected, found).passed


def test_a_property_is_found_at_its_path_or_defaults() -> None:
    thing = resource(a={"b": 1}, unknown=UNRESOLVED)
    assert declared(thing, "a.b") == 1
    assert declared(thing, "a.c", "default") == "default"
    assert declared(thing, "a.b.c", "default") == "default"
    assert declared(thing, "unknown.b") is UNRESOLVED


def test_only_declared_properties_are_compared() -> None:
    assert list(same(resource(A=1, B=2), {"A": 1}, "A", "B", "C")) == [Comparison("A", 1, 1), Comparison("B", 2, None)]
    assert list(named(resource(Name="thing-1"), "Name")) == [Comparison("Name", "thing-1", "thing-1")]
    assert list(named(resource(), "Name")) == []


def test_an_order_that_means_nothing_is_taken_away_unless_part_of_it_is_unknown() -> None:
    assert unordered([3, 1, 2]) == [1, 2, 3]
    assert unordered([3, UNRESOLVED]) is UNRESOLVED
    assert unordered(UNRESOLVED) is UNRESOLVED


def test_one_means_one() -> None:
    assert only([1]) == 1
    for items in ([], [1, 2]):
        with pytest.raises(LookupError):
            only(items)


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "NotFound", "Message": "none"}}, "DescribeThing"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        KeyError("Member"),
    ],
)
def test_a_resource_that_cannot_be_read_is_a_failed_check(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def unreadable(_aws: Aws, _resource: DeployedResource) -> Iterator[Comparison]:
        yield Comparison("first", 1, 1)
        raise error

    monkeypatch.setitem(core._VERIFIERS, TYPE, unreadable)
    first, second = compare(never, resource())
    assert first.passed
    assert (second.what, second.passed) == ("described by its service", False)


@pytest.mark.parametrize("status", ["", "CREATE_FAILED", "DELETE_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_a_resource_that_is_not_complete_is_a_failed_check(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    monkeypatch.setitem(core._VERIFIERS, TYPE, lambda _aws, _resource: [])
    (check,) = compare(never, resource(status))
    assert not check.passed
    assert check.found == (status or "not there")


class Stacks:
    """CloudFormation with one stack."""

    def __init__(self, status: str) -> None:
        self._status = status

    def describe_stacks(self, **_given: str) -> dict[str, Any]:
        return {"Stacks": [{"StackStatus": self._status}]}


@pytest.mark.parametrize(
    ("status", "whole"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("UPDATE_ROLLBACK_FAILED", False),
        ("ROLLBACK_COMPLETE", False),
    ],
)
def test_a_nested_stack_that_went_back_to_what_it_was_is_whole(status: str, whole: bool) -> None:
    (check,) = nested_stack(lambda _service: Stacks(status), resource())
    assert check.passed is whole


def test_a_type_without_a_verifier_is_an_error() -> None:
    with pytest.raises(KeyError, match=TYPE):
        list(compare(never, resource()))
