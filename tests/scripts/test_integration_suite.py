"""The integration checks notice what is open or allowed wrongly, and what is missing; the runbook's stay local."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stacks.names import OutputKey
from stacks.profiles import PROFILES
from tests.assembly import assembly
from tests.integration import check_network, conftest
from tests.integration.aws_cli import as_version_1
from tests.integration.check_permissions import DECLARED, ROLE
from tests.integration.permissions import OUTSIDER, OWNER, Call, Policies, judge

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


ACCOUNT = "111111111111"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/session"
QUEUE, OTHER = (f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in ("mine", "other"))
READ, SEND = Call(SESSION, "sqs:ReceiveMessage", QUEUE), Call(SESSION, "sqs:SendMessage", QUEUE)
SAME_ACCOUNT = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements]}


def _policies(*statements: dict[str, Any]) -> Policies:
    documents = {
        "worker/own": _policy(*statements),
        "endpoint sqs": _policy({"Principal": "*", "Action": "*", "Condition": SAME_ACCOUNT}),
        OTHER: _policy({"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}),
    }
    return Policies(documents, {"worker": ("worker/own",)}, {"sqs": "endpoint sqs"})


def test_a_call_that_no_policy_allows_is_denied() -> None:
    found = judge([READ, SEND], _policies({"Action": "sqs:ReceiveMessage"}), ACCOUNT, ["rds Unheard"])
    (denied,) = found.denied
    assert "worker/session: sqs:SendMessage" in denied
    assert denied.endswith("ImplicitlyDenied")
    assert found.unknown == ["rds Unheard"]
    assert "2 distinct calls of 1 principals judged, 1 denied" in found.lines()


def test_a_call_on_everything_needs_a_policy_for_everything() -> None:
    every = Call(SESSION, "sqs:ReceiveMessage", QUEUE.replace("mine", "*"))
    assert judge([every], _policies({"Action": "sqs:ReceiveMessage"}), ACCOUNT).denied == []
    assert len(judge([every], _policies({"Action": "sqs:ReceiveMessage", "Resource": QUEUE}), ACCOUNT).denied) == 1


def test_a_statement_that_no_call_needs_is_noticed() -> None:
    policies = _policies(
        {"Sid": "Needed", "Action": "sqs:ReceiveMessage"}, {"Sid": "Idle", "Action": "sqs:SendMessage"}
    )
    found = judge([READ, Call(OWNER, "sqs:SendMessage", QUEUE, in_vpc=True)], policies, ACCOUNT)
    assert found.statements == {"worker/own 0: Needed": True, "worker/own 1: Idle": False, "endpoint sqs 0: *": True}


def test_the_policy_of_the_resource_and_the_condition_keys_count() -> None:
    service = Call("events.amazonaws.com", "sqs:SendMessage", OTHER)
    assert judge([service], _policies(), ACCOUNT).denied == []
    assert len(judge([Call("sns.amazonaws.com", "sqs:SendMessage", OTHER)], _policies(), ACCOUNT).denied) == 1
    unknown_key = Call(SESSION, "sqs:ReceiveMessage", QUEUE, {"sqs:NoSuchKey": "x"})
    (denied,) = judge([unknown_key], _policies({"Action": "sqs:*"}), ACCOUNT).denied
    assert "has no condition key sqs:NoSuchKey" in denied


def test_what_must_be_refused_and_is_allowed_is_reported() -> None:
    outside = Call(OUTSIDER, "sqs:SendMessage", QUEUE, in_vpc=True, refused=True)
    assert judge([outside], _policies(), ACCOUNT).denied == []
    around_the_endpoint = Call(OUTSIDER, "sqs:SendMessage", QUEUE, refused=True)
    assert len(judge([around_the_endpoint], _policies(), ACCOUNT).denied) == 1


def test_each_declared_call_is_of_a_role_that_a_deployment_has_and_says_where_aws_documents_it() -> None:
    made = {
        f"{path.replace('/', '.')}"
        for profile in PROFILES
        for path, _ in assembly(profile).all_of_type("AWS::IAM::Role")
    }
    known = {each[:-8] for each in made if ROLE.fullmatch(each)}
    entries = tomllib.loads(DECLARED.read_text(encoding="utf-8"))["calls"]
    callers = {entry["by"] for entry in entries}
    roles = {each for each in callers if "." in each and not each.endswith(".amazonaws.com")}
    assert all(any(re.fullmatch(role, each) for each in known) for role in roles)
    assert all(any(re.fullmatch(role, each) for role in roles) for each in known)
    assert all(entry["source"].startswith("https://docs.aws.amazon.com/") for entry in entries)
