"""Every row of the tables of callers and of users of roles: silent where access is given, found where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import document, put, resource, template
from guards_testing.judge import messages
from guards_testing.rules import judged

CALLERS = facts("callers")
NAMED = {
    ":aws-sdk:([a-z0-9]+):(\\w+)": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
    ":([a-z0-9-]+):action/(\\w+)": "arn:aws:apigateway:eu-west-1:states:action/StartExecution",
    "^(\\w+)-(\\w+)$": "StepFunctions-StartExecution",
    ":states:::(?:aws-sdk:)?([a-z0-9]+):(\\w+)": "arn:aws:states:::aws-sdk:sfn:startExecution",
}
ALLOWED = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def role(*statements: Any, service: str = "any.amazonaws.com") -> dict[str, Any]:
    trust = document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    policies = [{"PolicyName": "inline", "PolicyDocument": document(*statements)}] if statements else []
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=policies)


def caller(row: dict[str, Any], target: Any, *statements: Any) -> dict[str, Any]:
    """Return the resources of a row: the source, what stands between, and a role with some statements."""
    resources: dict[str, Any] = {"Source": resource(row["source"]), "Role": role(*statements)}
    holder, at = resources["Source"]["Properties"], f"{row['each']}." if "each" in row else ""
    for path, value in (
        (row.get("when", ""), NAMED.get(row.get("named", ""), row.get("matching", "given"))),
        (row["target"], target),
    ):
        if not path or path == "@self":
            continue
        first, _, rest = path.removeprefix("@mentioned ").partition(">")
        if rest:
            resources["Between"] = resource("AWS::ECS::TaskDefinition")
            put(resources["Between"]["Properties"], rest, value)
            for asked, told in row.get("if", {}).items():
                if ">" in asked:
                    put(resources["Between"]["Properties"], asked.partition(">")[2], told)
        put(holder, at + first, {"Ref": "Between"} if rest else value)
    holder |= row.get("only", {})
    if "given" in row:
        put(holder, at + row["given"], "given")
    for asked, told in row.get("if", {}).items():
        if ">" not in asked:
            put(holder, at + asked, told)
    if "caller" in row:
        put(holder, row["caller"], "arn:aws:sns:eu-west-1:111122223333:caller")
    if "role" in row and "service" not in row:
        first, _, rest = row["role"].partition(">")
        if rest:
            resources["Function"] = resource("AWS::Lambda::Function", Role={"Fn::GetAtt": ["Role", "Arn"]})
        given = {"Ref": "Function"} if rest else {"Fn::GetAtt": ["Role", "Arn"]}
        put(holder, first if row.get("of") or not at else at + first, given)
    return resources


def findings(resources: dict[str, Any], rule: str) -> list[str]:
    return [item.message for item in judged(template(resources), rules=[rule]).findings]


def grant(kind: str, service: str, **broken: Any) -> dict[str, Any]:
    """Return what admits a service to the target; a part of it may be broken."""
    policy = (CALLERS["policy_of"][kind] or [kind])[0]
    if policy == "AWS::Lambda::Permission":
        whole = {"Action": "lambda:*", "Principal": f"{service}.amazonaws.com", "FunctionName": TARGET}
        spelled = {"Condition": "SourceArn", "Resource": "FunctionName"}
        changed = {spelled.get(key, key): value for key, value in broken.items()}
        if "SourceArn" in changed:
            changed["SourceArn"] = OTHER
        return {"Policy": resource(policy, **{**whole, **changed})}
    principal = {"Service": f"{broken.pop('Principal', service + '.amazonaws.com')}"}
    statement = {**ALLOWED, "Principal": principal, **{key: broken[key] for key in broken if key != "Deny"}}
    denied = [{**ALLOWED, "Effect": "Deny", "Principal": "*"}] if "Deny" in broken else []
    if policy == kind:
        return {"Target": resource(kind, KeyPolicy=document(statement, *denied))}
    holder = resource(policy, PolicyDocument=document(statement, *denied))
    put(holder["Properties"], CALLERS["policies"][policy], TARGET)
    return {"Policy": holder}


TARGET, OTHER = {"Ref": "Target"}, "arn:aws:sqs:eu-west-1:111122223333:other"
BROKEN: dict[str, dict[str, Any]] = {
    "principal": {"Principal": "other.amazonaws.com"},
    "action": {"Action": "other:Action"},
    "resource": {"Resource": OTHER},
    "source": {"Condition": {"ArnLike": {"aws:SourceArn": OTHER}}},
    "organization": {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    "denied": {"Deny": True},
}


@pytest.mark.parametrize("row", CALLERS["admitted"], ids=lambda row: f"{row['source']}-{row['target']}")
def test_a_service_is_admitted_by_the_policy_of_each_kind_of_target(row: dict[str, Any]) -> None:
    for kind, actions in row["actions"].items():
        by_name = "Bucket" in kind or kind.endswith(("Alias", "Version", "Topic"))
        calling = caller(row, TARGET if by_name else {"Fn::GetAtt": ["Target", "Arn"]})
        resources = {**calling, "Target": resource(kind, KeyPolicy=document()) if "KMS" in kind else resource(kind)}
        (message,) = set(findings(resources, "DR-ACCESS-01"))
        assert actions[0].partition(" ")[0] in message
        assert findings({**resources, **grant(kind, row["service"])}, "DR-ACCESS-01") == []
        for part, broken in BROKEN.items():
            if "Lambda" in kind and part in ("organization", "denied"):
                continue  # a permission has no such part
            refused = findings({**resources, **grant(kind, row["service"], **broken)}, "DR-ACCESS-01")
            assert refused, (kind, part)


def value_for(row: dict[str, Any], kind: str) -> Any:
    """Return what names the target in a row."""
    return {"Fn::GetAtt": ["Target", "StreamArn" if "EventSourceArn" in row["target"] and "Dynamo" in kind else "Arn"]}


PERMITTED = [*CALLERS["permitted"], *CALLERS["in_vpc"]]


@pytest.mark.parametrize("row", PERMITTED, ids=lambda row: f"{row['source']}-{row['target']}-{row['role']}")
def test_a_role_may_do_what_each_row_asks_for(row: dict[str, Any]) -> None:
    rule = "DR-ACCESS-04" if row in CALLERS["in_vpc"] else "DR-ACCESS-02"
    for kind, actions in row["actions"].items():
        target = value_for(row, kind)
        more = {"Target": resource(kind)} if kind and row["target"] != "@self" else {}
        nothing = {"Effect": "Allow", "Action": "other:Action", "Resource": "*"}
        messages = findings({**caller(row, target, nothing), **more}, rule)
        for action in actions or ["states:StartExecution"]:
            first = action.partition(" ")[0]
            assert any(first.replace("|", " or ") in message for message in messages), action
            denied = {**ALLOWED, "Effect": "Deny", "Action": first.split("|")}
            assert findings({**caller(row, target, ALLOWED, denied), **more}, rule), action
        assert findings({**caller(row, target, ALLOWED), **more}, rule) == []
        if kind and not any(action.endswith(" @") for action in actions):
            elsewhere = {**ALLOWED, "Resource": OTHER}
            assert findings({**caller(row, target, elsewhere), **more}, rule), kind


@pytest.mark.parametrize("row", [row for row in PERMITTED if "needed" in row], ids=lambda row: row["target"])
def test_a_call_that_cannot_be_made_without_a_role_needs_one(row: dict[str, Any]) -> None:
    for kind in row["actions"]:
        resources = caller(row, value_for(row, kind))
        holder = resources["Source"]["Properties"]
        del holder[row["role"]]
        more = {"Target": resource(kind)} if kind else {}
        found = findings({**resources, **more}, "DR-ACCESS-02")
        assert bool(found) == (not row["needed"])  # without Fargate the instance's role does
        for path, value in row["needed"].items():
            put(holder, path, value)
            (message,) = findings({**resources, **more}, "DR-ACCESS-02")
            assert message.endswith("is not set.")


USERS = [(kind, path, names) for kind, paths in facts("role_users")["users"].items() for path, names in paths.items()]


def using(kind: str, path: str) -> dict[str, Any]:
    """Return what uses the role, and the resources through which it does."""
    value: Any = {"Fn::GetAtt": ["Role", "Arn"]}
    resources: dict[str, Any] = {}
    *between, last = reversed(path.split(">"))
    for number, step in enumerate(between):
        resources[f"Between{number}"] = resource("AWS::Test::Between", **{step: value})
        value = {"Ref": f"Between{number}"}
    resources["User"] = resource(kind)
    put(resources["User"]["Properties"], last, value)
    if kind == "AWS::IAM::InstanceProfile":  # one without name that nothing refers to is never used
        resources["User"]["Properties"]["InstanceProfileName"] = "used"
    return resources


@pytest.mark.parametrize(("kind", "path", "services"), USERS, ids=[f"{kind}-{path}" for kind, path, _ in USERS])
def test_a_role_is_trusted_by_each_of_its_users(kind: str, path: str, services: list[str]) -> None:
    for service, expected in (("other", 1), *((name, 0) for name in services)):
        resources = {"Role": role(service=f"{service}.amazonaws.com"), **using(kind, path)}
        assert len(findings(resources, "DR-ACCESS-03")) == expected, service
    resources = {"Role": role(service=f"{services[0]}.amazonaws.com"), **using(kind, path)}
    trust = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    (whole,) = trust
    for broken in (
        {"Action": "sts:TagSession"},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}},
    ):
        trust[:] = [{**whole, **broken}]
        assert findings(resources, "DR-ACCESS-03"), broken
    trust[:] = [
        {**whole, "Principal": {"Service": [f"{name}.amazonaws.com" for name in services]}},
        {**whole, "Effect": "Deny", "Principal": "*"},
    ]
    assert findings(resources, "DR-ACCESS-03"), "denied"


def test_an_external_id_is_carried_by_some_services_only() -> None:
    for service, kind, path, expected in (
        ("cognito-idp", "AWS::Cognito::UserPool", "SmsConfiguration.SnsCallerArn", 0),
        ("backup", "AWS::Backup::BackupSelection", "BackupSelection.IamRoleArn", 1),
    ):
        resources = {"Role": role(service=f"{service}.amazonaws.com"), "User": resource(kind)}
        (statement,) = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": "x"}}
        put(resources["User"]["Properties"], path, {"Fn::GetAtt": ["Role", "Arn"]})
        assert len(findings(resources, "DR-ACCESS-03")) == expected


def test_a_machine_calls_what_another_stack_exports() -> None:
    value = {"Fn::GetAtt": ["Function", "Arn"]}
    exports = {"Arn": {"Value": value, "Export": {"Name": "function"}}}
    exporter = template({"Function": resource("AWS::Lambda::Function")}, Outputs=exports)
    task = {"Type": "Task", "Resource": {"Fn::ImportValue": "function"}, "End": True}
    for statement, expected in (({**ALLOWED, "Action": "other:Action"}, 1), (ALLOWED, 0)):
        machine = resource(
            "AWS::StepFunctions::StateMachine",
            RoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            Definition={"StartAt": "A", "States": {"A": task}},
        )
        importer = template({"Role": role(statement), "Machine": machine})
        assert len(messages("DR-ACCESS-02", Assembly({"one": exporter, "two": importer}))) == expected


@pytest.mark.parametrize(("qualifier", "expected"), [({}, 1), ({"Qualifier": "prod"}, 0)])
def test_the_url_of_an_alias_is_opened_by_the_permission_of_the_alias(qualifier: dict[str, str], expected: int) -> None:
    function, alias = resource("AWS::Lambda::Function"), resource("AWS::Lambda::Alias", Name="prod")
    url = resource("AWS::Lambda::Url", TargetFunctionArn={"Fn::GetAtt": ["Target", "Arn"]}, **qualifier)
    admitted = {"FunctionName": {"Ref": "Alias"}, "Action": "lambda:Invoke*", "Principal": "*"}
    permission = resource("AWS::Lambda::Permission", **admitted)
    resources = {"Target": function, "Alias": alias, "Permission": permission, "Url": url}
    assert len(findings(resources, "DR-ACCESS-01")) == expected


QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"QueueUrl": {"Ref": "Queue"}}, 1),
        ({"Target": {"Arn": QUEUE_ARN}}, 0),
        ({"Fn::Sub": '{"QueueUrl": "${Queue}"}'}, 1),
        ({"Fn::Sub": '{"Target": {"Arn": "${Queue.Arn}"}}'}, 0),
        ({"Fn::Join": ["", ['{"QueueUrl":"', {"Ref": "Queue"}, '"}']]}, 1),
        ({"Fn::Join": ["", ['{"Target":{"Arn":"', QUEUE_ARN, '"}}']]}, 0),
    ],
)
def test_a_machine_does_not_call_what_it_hands_over_as_a_target(parameters: dict[str, Any], expected: int) -> None:
    written = {"Definition": {"States": {"A": {"Type": "Task", "Parameters": parameters}}}}
    if next(iter(parameters)).startswith("Fn::"):
        written = {"DefinitionString": parameters}
    machine = resource("AWS::StepFunctions::StateMachine", RoleArn={"Fn::GetAtt": ["Role", "Arn"]}, **written)
    other = role({**ALLOWED, "Action": "other:Action"})
    resources = {"Queue": resource("AWS::SQS::Queue"), "Role": other, "Machine": machine}
    assert len(findings(resources, "DR-ACCESS-02")) == expected


def test_a_scalable_target_ignores_the_role_where_the_service_has_one_of_its_own() -> None:
    target = resource(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        RoleARN={"Fn::GetAtt": ["Role", "Arn"]},
        ServiceNamespace="ecs",
    )
    assert findings({"Role": role(service="ecs-tasks.amazonaws.com"), "Target": target}, "DR-ACCESS-03") == []


@pytest.mark.parametrize("connected", [{"_Connectors": {}}, {"_Type": "AWS::Serverless::Connector"}])
def test_a_connector_may_add_to_a_role(connected: dict[str, Any]) -> None:
    events = {"Jobs": {"Type": "SQS", "Properties": {"Queue": QUEUE_ARN}}}
    function = resource("AWS::Serverless::Function", Role={"Fn::GetAtt": ["Role", "Arn"]}, Events=events)
    resources = {"Queue": resource("AWS::SQS::Queue"), "Function": function, "Role": role(ALLOWED | {"Action": "s3:*"})}
    assert len(findings(resources, "DR-ACCESS-02")) == 1
    assert findings({**resources, "More": {**resource(), **resource(**connected)}}, "DR-ACCESS-02") == []
