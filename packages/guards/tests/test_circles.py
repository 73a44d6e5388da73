"""Resources, nested stacks and conditions that wait for each other; containers and aliases that are told of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import check
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, resource, template, write
from guards_testing.judge import OPEN, found, messages

TASK, FUNCTION = "AWS::ECS::TaskDefinition", "AWS::Lambda::Function"
GROUP: Template = {"G": resource("AWS::Logs::LogGroup")}
NEVER = {"Never": {"Fn::Equals": ["a", "b"]}}


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        ({"A": {"Ref": "B"}, "B": {"Fn::GetAtt": ["A", "x"]}}, ["A → B → A"]),
        ({"A": {"Fn::Sub": "${B.Arn}"}, "B": {"Ref": "C"}, "C": {"Fn::GetAtt": "A.x"}}, ["A → B → C → A"]),
        ({"A": {"Ref": "A"}}, ["A → A"]),
        ({"A": {"Ref": "B"}, "B": {"Ref": "C"}, "C": "text", "D": {"Ref": "B"}}, []),
        ({"A": {"Ref": "B"}, "B": {"Ref": "A"}, "C": {"Ref": "A"}}, ["A → B → A"]),
        ({"C": {"Ref": "A"}, "A": {"Ref": "B"}, "B": {"Ref": "A"}}, ["A → B → A"]),
    ],
)
def test_circles_of_resources(waits: Template, told: list[str]) -> None:
    resources = {name: resource(P=value) for name, value in waits.items()}
    assert [message.partition(":")[0] for message in found("DR-CIRCLE-01", resources)] == told


@pytest.mark.parametrize(
    ("depends", "condition", "count"),
    [("A", {}, 1), (["A"], {}, 1), ([5, "A"], {}, 1), ("A", {"_Condition": "Never"}, 0)],
)
def test_circles_of_depends_on(depends: Any, condition: Any, count: int) -> None:
    resources = {"A": resource(P={"Ref": "B"}), "B": resource(_DependsOn=depends, **condition)}
    assert len(found("DR-CIRCLE-01", resources, Conditions=NEVER)) == count


def test_circles_of_conditions_and_templates_that_a_macro_completes() -> None:
    both = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::And": [{"Condition": "A"}, {"Condition": "X"}]}}
    (told,) = found("DR-CIRCLE-01", {"R": resource()}, Conditions=both)
    assert told == "condition A → B → A: each is decided by the next."
    assert found("DR-CIRCLE-01", {"R": resource()}, Conditions={"A": {"Condition": "B"}, "B": NEVER["Never"]}) == []
    assert found("DR-CIRCLE-01", {"R": resource()}, Conditions=both, Transform="Mine") == []
    serverless = {"A": resource("AWS::Serverless::Api", P={"Ref": "F"}), "F": resource(Events={"Ref": "A"})}
    assert found("DR-CIRCLE-01", serverless) == [], "the tool that deploys it may add the macro"


def test_nested_stacks_that_need_each_other() -> None:
    child = template({"R": resource(P={"Ref": "A"})}, Parameters={"A": {}}, Outputs={"O": {"Value": {"Ref": "R"}}})
    for back, count in (({"Fn::GetAtt": ["Two", "Outputs.O"]}, 1), ("text", 0)):
        first, second = nested("one.json", A=back), nested("two.json", A={"Fn::GetAtt": ["One", "Outputs.O"]})
        documents = {"root.json": template({"One": first, "Two": second}), "one.json": child, "two.json": child}
        assert len(messages("DR-CIRCLE-01", Assembly(documents))) == count


@pytest.mark.parametrize(
    ("container", "count"),
    [
        ({"Environment": [{"Name": "PORT", "Value": "8081"}]}, 1),
        ({"Environment": [{"Name": "PORT", "Value": 8080}, {"Name": "OTHER", "Value": "1"}, "text"]}, 0),
        ({"Environment": [{"Name": "PORT", "Value": OPEN}]}, 0),
        ({"Environment": OPEN}, 0),
        ({"Command": ["serve", "--port=8081"]}, 1),
        ({"EntryPoint": ["serve"], "Command": ["-p", "8081"]}, 1),
        ({"Command": ["--port"]}, 0),
        ({"Command": ["serve", "8081"]}, 0),
        ({"PortMappings": [], "Command": ["-p", "8081"]}, 0),
        ({"PortMappings": [{"ContainerPort": 1}, {"ContainerPort": 2}], "Command": ["-p", "8081"]}, 0),
    ],
)
def test_ports_that_containers_are_told(container: Any, count: int) -> None:
    given = {"Name": "app", "PortMappings": [{"ContainerPort": 8080}], **container}
    assert len(found("DR-ECS-20", {"T": resource(TASK, ContainerDefinitions=[given])})) == count


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"awslogs-region": "eu-central-1", "awslogs-group": {"Ref": "G"}}, 1),
        ({"awslogs-region": "eu-west-1", "awslogs-group": {"Ref": "G"}}, 0),
        ({"awslogs-region": {"Ref": "AWS::Region"}, "awslogs-group": {"Ref": "G"}}, 0),
        ({"awslogs-region": "eu-central-1", "awslogs-group": "elsewhere"}, 0),
        ({"awslogs-group": {"Ref": "G"}}, 0),
        (OPEN, 0),
    ],
)
def test_regions_of_logs(options: Any, count: int) -> None:
    for configuration, expected in (({"LogDriver": "awslogs", "Options": options}, count), (OPEN, 0)):
        made = resource(TASK, ContainerDefinitions=[{"Name": "app", "LogConfiguration": configuration}])
        documents = {"root.json": template({"T": made, **GROUP}, Parameters={"Open": {}})}
        app = Assembly(documents, {"root.json": ("eu-west-1", None)})
        assert len(messages("DR-ECS-20", app)) == expected


@pytest.mark.parametrize(
    ("qualifier", "alias", "count"),
    [
        ("live", {}, 1),
        ("live", {"Name": "live", "FunctionName": {"Ref": "F"}}, 0),
        ("live", {"Name": "prod", "FunctionName": {"Ref": "F"}}, 1),
        ("live", {"Name": "prod", "FunctionName": OPEN}, 1),
        ("live", {"Name": OPEN, "FunctionName": {"Ref": "F"}}, 0),
        ("live", {"Name": "live", "FunctionName": {"Ref": "E"}}, 1),
        ("$LATEST", {}, 0),
        ("17", {}, 0),
        (OPEN, {}, 0),
    ],
)
def test_aliases_by_name(qualifier: Any, alias: Any, count: int) -> None:
    made = {"A": resource("AWS::Lambda::Alias", **alias)} if alias else {}
    config = resource("AWS::Lambda::EventInvokeConfig", FunctionName={"Ref": "F"}, Qualifier=qualifier)
    resources = {"C": config, "F": resource(FUNCTION), "E": resource(FUNCTION), **made}
    assert len(found("DR-LAMBDA-12", resources)) == count
    assert found("DR-LAMBDA-12", resources, Transform="Mine") == []
    elsewhere = resource("AWS::Lambda::EventInvokeConfig", FunctionName="elsewhere", Qualifier=qualifier)
    assert found("DR-LAMBDA-12", {"C": elsewhere}) == []


KEY, GONE = f"{'a' * 64}.zip", f"{'f' * 64}.zip"
FILES = {"files": {"a": {"destinations": {"b": {"objectKey": KEY}}}}}


@pytest.mark.parametrize(
    ("key", "bucket", "assets", "count"),
    [
        (KEY, "cdk-hnb659fds-assets-1-eu-west-1", FILES, 0),
        (GONE, "cdk-hnb659fds-assets-1-eu-west-1", FILES, 1),
        (GONE, {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}, FILES, 1),
        (GONE, "mine", FILES, 0),
        ("app.zip", "cdk-hnb659fds-assets-1-eu-west-1", FILES, 0),
        (GONE, OPEN, FILES, 0),
        (GONE, "cdk-hnb659fds-assets-1-eu-west-1", {"files": {"a": {}}}, 0),
        (GONE, "cdk-hnb659fds-assets-1-eu-west-1", "{", 0),
    ],
)
def test_keys_of_assets(tmp_path: Path, key: str, bucket: Any, assets: Any, count: int) -> None:
    code = {"S3Bucket": bucket, "S3Key": key}
    function = resource(FUNCTION, Code=code, Handler="a.b", Runtime="python3.13")
    write(tmp_path, App__template__json=template({"F": function}, Parameters={"Open": {}}))
    (tmp_path / "App.assets.json").write_text(assets if isinstance(assets, str) else json.dumps(assets))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json"}}
    write(tmp_path, manifest__json={"version": "36.0.0", "artifacts": {"App": stack}})
    assert len(check(tmp_path, rules=["DR-LAMBDA-06"]).findings) == count
    assert check(tmp_path / "App.template.json", rules=["DR-LAMBDA-06"]).findings == ()
    (tmp_path / f"asset.{GONE.partition('.')[0]}").mkdir()  # only the manifest, edited by hand, leaves it out
    assert check(tmp_path, rules=["DR-LAMBDA-06"]).findings == ()
