"""The integration checks: those of security groups notice what is open or closed wrongly; the runbook's stay local."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.names import OutputKey
from tests.integration import check_network, conftest
from tests.integration.aws_cli import as_version_1

GROUPS = {
    OutputKey.DATABASE_SECURITY_GROUP_ID: "sg-database",
    OutputKey.TASK_SECURITY_GROUP_ID: "sg-task",
    OutputKey.LOAD_BALANCER_SECURITY_GROUP_ID: "sg-balancer",
}
SETTINGS: Any = SimpleNamespace(
    database=SimpleNamespace(port=5433), compute=SimpleNamespace(port=8080, certificate_arn="arn:aws:acm:…")
)
Rule = dict[str, Any]


def _rule(port: int, **peers: Any) -> Rule:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}


def _group(identifier: str) -> dict[str, Any]:
    return {"UserIdGroupPairs": [{"GroupId": identifier}]}


ANYBODY = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
RIGHT: dict[str, tuple[Callable[..., None], list[Rule]]] = {
    "database": (check_network.test_only_tasks_reach_the_database, [_rule(5433, **_group("sg-task"))]),
    "task": (check_network.test_only_the_load_balancer_reaches_tasks, [_rule(8080, **_group("sg-balancer"))]),
    "balancer": (
        check_network.test_the_internet_reaches_the_listeners_and_nothing_else,
        [_rule(80, **ANYBODY), _rule(443, **ANYBODY)],
    ),
}
EXTRA: dict[str, Rule] = {
    "another group": _rule(5433, **_group("sg-function")),
    "a range": _rule(5433, **ANYBODY),
    "an IPv6 range": _rule(5433, Ipv6Ranges=[{"CidrIpv6": "::/0"}]),
    "a prefix list": _rule(5433, PrefixListIds=[{"PrefixListId": "pl-1"}]),
    "another port": _rule(22, **_group("sg-task")),
    "everything": {"IpProtocol": "-1", **_group("sg-task")},
}


def _check(name: str, rules: list[Rule]) -> None:
    def describe_security_groups(GroupIds: list[str]) -> dict[str, Any]:  # noqa: N803 (EC2's name)
        assert GroupIds == [f"sg-{name}"]
        return {"SecurityGroups": [{"IpPermissions": rules}]}

    client = SimpleNamespace(describe_security_groups=describe_security_groups)
    RIGHT[name][0](lambda _: client, GROUPS, SETTINGS)


@pytest.mark.parametrize("name", RIGHT)
def test_the_rules_of_the_platform_pass(name: str) -> None:
    _check(name, RIGHT[name][1])


@pytest.mark.parametrize("name", RIGHT)
def test_a_missing_rule_is_noticed(name: str) -> None:
    for missing in range(len(RIGHT[name][1])):
        rules = [rule for number, rule in enumerate(RIGHT[name][1]) if number != missing]
        with pytest.raises(AssertionError):
            _check(name, rules)


@pytest.mark.parametrize("extra", EXTRA)
@pytest.mark.parametrize("name", RIGHT)
def test_a_rule_too_many_is_noticed(name: str, extra: str) -> None:
    with pytest.raises(AssertionError):
        _check(name, [*RIGHT[name][1], EXTRA[extra]])
    for rule in RIGHT[name][1]:
        wider = {**EXTRA[extra], **rule, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
        with pytest.raises(AssertionError):
            _check(name, [wider, *RIGHT[name][1][1:]])


@pytest.mark.parametrize(
    ("version_2", "version_1"),
    [
        ("logs tail GROUP --since 30m", "logs filter-log-events --log-group-name GROUP"),
        (
            "lambda invoke --function-name f --cli-binary-format raw-in-base64-out --payload {} out",
            "lambda invoke --function-name f --payload {} out",
        ),
        ("rds describe-db-clusters --query x", "rds describe-db-clusters --query x"),
    ],
)
def test_what_only_version_2_of_the_aws_cli_has_is_called_otherwise(version_2: str, version_1: str) -> None:
    assert as_version_1(version_2.split()) == version_1.split()


def test_the_commands_of_the_runbook_never_run_in_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would fail over, stop and restore."""
    for endpoint, ignored in (("", ["check_runbook.py"]), ("http://127.0.0.1:4566", [])):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert runpy.run_path(conftest.__file__)["collect_ignore"] == ignored
