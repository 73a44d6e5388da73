"""Every row of the tables of agreements: found where two ends differ, silent where they agree or one is open."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, put, resource, template
from guards_testing.judge import OPEN, found, messages

AGREE = facts("agreements")
TARGET: Template = {"Fn::GetAtt": ["Target", "Arn"]}
EXPERIMENT = "AWS::FIS::ExperimentTemplate"


def written(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def ends(row: dict[str, Any], value: str) -> tuple[list[tuple[Any, bool]], Template]:
    """Return values of the target's property with whether they agree, and what the holder says of itself."""
    own = row.get("same") or row.get("own")
    if "same" in row:
        value = {"Engine": "aurora-mysql", "@Scope": "REGIONAL"}.get(row["same"], "true")
        allowed = [value]
    else:
        allowed = row["allowed"][value] if own else row["allowed"]
    given: Template = {}
    first, _, rest = (own or "").removeprefix("@").partition(">")
    between: Template = {}
    if rest:
        between["Between"] = resource("AWS::Test::Between", **{rest: written(value)})
        put(given, first, {"Ref": "Between"})
    elif own:
        put(given, first, written(value))
    other = {"true": "false", "false": "true"}.get(allowed[0], "other")
    values = [(written(item), True) for item in allowed] + [(written(other), False), (OPEN, True)]
    return values, {"given": given, **between}


CASES = [(row, value) for row in AGREE["agree"] for value in (row["allowed"] if "own" in row else [""])]


@pytest.mark.parametrize(("row", "value"), CASES, ids=lambda item: str(item if isinstance(item, str) else item["path"]))
def test_both_ends_agree(row: dict[str, Any], value: str) -> None:
    values, others = ends(row, value)
    given = others.pop("given")
    path = f"{row['each']}.{row['path']}" if "each" in row else row["path"]
    put(given, path, TARGET)
    properties: Template = {}
    for has, agrees in values:
        properties = {}
        put(properties, row["property"], has)
        target = {"Target": resource(row["of"], **properties), **others}
        assert bool(found("DR-AGREE-01", {"Holder": resource(row["type"], **given), **target})) is not agrees, has
    if "without" in row:
        put(properties, row["property"], next(has for has, agrees in values if not agrees))
        target = {"Target": resource(row["of"], **properties), **others}
        assert len(found("DR-AGREE-01", {"Holder": resource(row["type"], **given), **target})) == 1
        put(given, f"{row['each']}.{row['without']}" if "each" in row else row["without"], "given")
        assert not found("DR-AGREE-01", {"Holder": resource(row["type"], **given), **target})


def test_ends_that_nothing_tells_agree() -> None:
    queue = resource("AWS::SQS::Queue", RedrivePolicy={"deadLetterTargetArn": TARGET}, FifoQueue=OPEN)
    assert not found("DR-AGREE-01", {"Q": queue, "Target": resource("AWS::SQS::Queue")})
    listener = resource("AWS::ElasticLoadBalancingV2::Listener", Protocol="GENEVE", LoadBalancerArn={"Ref": "Target"})
    assert not found("DR-AGREE-01", {"L": listener, "Target": resource("AWS::ElasticLoadBalancingV2::LoadBalancer")})
    queue = resource("AWS::SQS::Queue", RedrivePolicy={"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:other"})
    assert not found("DR-AGREE-01", {"Q": queue})


def test_ends_in_two_stacks() -> None:
    child = template(
        {"A": resource("AWS::WAFv2::WebACL", Scope={"Ref": "S"})},
        Parameters={"S": {}},
        Outputs={"Arn": {"Value": {"Fn::GetAtt": ["A", "Arn"]}}},
    )
    for scope, count in (("REGIONAL", 0), ("CLOUDFRONT", 1)):
        use = resource("AWS::WAFv2::WebACLAssociation", WebACLArn={"Fn::GetAtt": ["Child", "Outputs.Arn"]})
        root = template({"Child": nested("child.json", S=scope), "Use": use})
        assert len(messages("DR-AGREE-01", Assembly({"root.json": root, "child.json": child}))) == count


@pytest.mark.parametrize(("kind", "attribute"), [(k, a) for k, row in AGREE["attributes"].items() for a in row])
def test_attributes_need_their_property(kind: str, attribute: str) -> None:
    ((path, value),) = AGREE["attributes"][kind][attribute].items()
    reader = {"Reader": resource(P={"Fn::GetAtt": ["R", attribute]}, Q={"Fn::Sub": "${R." + attribute + "}"})}

    def judge(**properties: Any) -> list[str]:
        return found("DR-AGREE-02", {"R": resource(kind, **properties), **reader})

    assert len(judge()) == 1
    assert judge(**{path: OPEN}) == judge(**{path: written(value) if value else {"StreamViewType": "NEW_IMAGE"}}) == []
    assert len(judge(**{path: False})) == (1 if value else 0)
    assert found("DR-AGREE-02", {"R": resource(kind), "Reader": resource(P={"Fn::GetAtt": ["R", "Arn"]})}) == []
    assert found("DR-AGREE-02", {"S": resource("AWS::SQS::Queue"), "Reader": resource(P={"Ref": "S"})}) == []


@pytest.mark.parametrize(
    ("row", "value"),
    [(row, value) for row in AGREE["forms"] for value in row["form"]],
    ids=lambda item: str(item if isinstance(item, str) else item["path"]),
)
def test_identifiers_have_a_form(row: dict[str, Any], value: str) -> None:
    for text, count in [(form.replace("*", "x"), 0) for form in row["form"][value]] + [("-", 1), (OPEN, 0), ("", 0)]:
        given: Template = {}
        put(given, row["own"], value)
        put(given, row["path"], text)
        assert len(found("DR-AGREE-03", {"R": resource(row["type"], **given)})) == count, text
    given = {}
    put(given, row["own"], OPEN)
    put(given, row["path"], "-")
    assert found("DR-AGREE-03", {"R": resource(row["type"], **given)}) == []


def test_the_endpoint_of_a_subscription_is_an_arn_of_its_protocol() -> None:
    for attribute, count in (("Arn", 0), ("QueueUrl", 1), ("QueueName", 1)):
        given = {"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Q", attribute]}}
        resources = {"S": resource("AWS::SNS::Subscription", **given), "Q": resource("AWS::SQS::Queue")}
        assert len(found("DR-AGREE-03", resources)) == count
    given = {"Protocol": "lambda", "Endpoint": {"Fn::GetAtt": ["Q", "Arn"]}}
    assert (
        len(found("DR-AGREE-03", {"S": resource("AWS::SNS::Subscription", **given), "Q": resource("AWS::SQS::Queue")}))
        == 1
    )


def experiment(action: Any, kind: Any, **target: Any) -> Template:
    given = {"ResourceType": kind, **target}
    actions = {"A": {"ActionId": action, "Targets": {"Things": "T"}}, "B": {"ActionId": "aws:fis:wait"}}
    return resource(EXPERIMENT, Targets={"T": given}, Actions=actions, RoleArn={"Fn::GetAtt": ["Role", "Arn"]})


@pytest.mark.parametrize("action", AGREE["experiments"]["targets"])
def test_actions_take_their_targets(action: str) -> None:
    kinds = AGREE["experiments"]["targets"][action]
    for kind, count in [(kind, 0) for kind in kinds] + [("aws:ec2:volume", 1), (OPEN, 0)]:
        assert len(found("DR-AGREE-03", {"E": experiment(action, kind)})) == count
    assert found("DR-AGREE-03", {"E": experiment("aws:new:action", "aws:new:kind")}) == []
    arns = AGREE["experiments"]["arns"].get(kinds[0])
    for arn, count in ((arns, 0), ("arn:aws:new:::thing", 1), (OPEN, 0)) if arns else ():
        assert len(found("DR-AGREE-03", {"E": experiment(action, kinds[0], ResourceArns=[arn])})) == count


@pytest.mark.parametrize("given", [{"Targets": OPEN}, {"Actions": OPEN}, {"Targets": {}, "Actions": {"A": OPEN}}])
def test_experiments_that_only_the_deployment_knows(given: Template) -> None:
    whole = experiment("aws:ecs:stop-task", "aws:ec2:volume")
    whole["Properties"].update(given)
    assert found("DR-AGREE-03", {"E": whole}) == []
    action = {"ActionId": "aws:ecs:stop-task", "Targets": {"Tasks": OPEN}}
    assert found("DR-AGREE-03", {"E": resource(EXPERIMENT, Targets={}, Actions={"A": action})}) == []


def role(*resources: Any, action: str = "ecs:StopTask") -> Template:
    statement = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    return resource("AWS::IAM::Role", Policies=[{"PolicyDocument": {"Statement": [statement]}}])


def test_an_experiment_may_do_what_its_actions_do() -> None:
    tasks = experiment("aws:ecs:stop-task", "aws:ecs:task", Parameters={"cluster": {"Ref": "C"}})
    cluster = resource("AWS::ECS::Cluster", ClusterName="orders")

    def judge(role_: Template, whole: Template = tasks) -> list[str]:
        return found("DR-ACCESS-02", {"E": whole, "Role": role_, "C": cluster})

    task = "arn:aws:ecs:eu-west-1:1:task/{}/*"
    assert judge(role(task.format("orders"))) == judge(role("*")) == []
    assert judge(role(task.format("other"))) == ["role Role may not use ecs:StopTask on T."]
    assert len(judge(role("*", action="ecs:RunTask"))) == 1
    failover = experiment(
        "aws:rds:failover-db-cluster", "aws:rds:cluster", ResourceArns=["arn:aws:rds:eu-west-1:1:cluster:a"]
    )
    assert len(judge(role("arn:aws:rds:*:*:cluster:b", action="rds:FailoverDBCluster"), failover)) == 1
    assert judge(role("arn:aws:rds:*:*:cluster:a", action="rds:FailoverDBCluster"), failover) == []
    by_tags = experiment("aws:ecs:stop-task", "aws:ecs:task")
    assert judge(role(task.format("other")), by_tags) == []
    assert (
        found("DR-ACCESS-02", {"E": experiment("aws:ecs:stop-task", "aws:ecs:task"), "Role": resource("AWS::Test::R")})
        == []
    )


TABLE = resource(
    "AWS::DynamoDB::Table",
    TimeToLiveSpecification={"AttributeName": "ends"},
    LocalSecondaryIndexes=[{"IndexName": "day"}],
)


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"T": {"Ref": "Table"}, "TTL_ATTRIBUTE": "ttl"}, 1),
        ({"T": {"Ref": "Table"}, "TTL_ATTRIBUTE": "ends", "INDEX_NAME": "day"}, 0),
        ({"T": {"Fn::GetAtt": ["Table", "Arn"]}, "tableIndexName": "week"}, 1),
        ({"T": {"Ref": "Table"}, "TTL_ATTRIBUTE": OPEN, "INDEX": ""}, 0),
        ({"T": {"Ref": "Table"}, "TTL_SECONDS": "60"}, 0),
        ({"TTL_ATTRIBUTE": "ttl"}, 0),
        ({"T": {"Ref": "Table"}, "U": {"Ref": "Other"}, "TTL_ATTRIBUTE": "ttl"}, 0),
        ({"U": {"Ref": "Other"}, "TTL_ATTRIBUTE": "ttl"}, 0),
        (OPEN, 0),
        ("text", 0),
    ],
)
def test_what_programs_are_told_of_a_table(variables: Any, count: int) -> None:
    tables = {"Table": TABLE, "Other": resource("AWS::DynamoDB::Table")}
    function = resource("AWS::Lambda::Function", Environment={"Variables": variables})
    assert len(found("DR-AGREE-04", {"F": function, **tables})) == count
    entries = (
        [{"Name": name, "Value": value} for name, value in variables.items()] if isinstance(variables, dict) else OPEN
    )
    containers = [{"Name": "app", "Environment": entries}, {"Name": "bare"}]
    task = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=containers)
    assert len(found("DR-AGREE-04", {"D": task, **tables})) == count
