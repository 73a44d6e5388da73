"""Seeded defects of secrets and of what sets the retention of logs."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

TASK = "AWS::ECS::TaskDefinition"


@mutation("DR-ECS-18")
def password_in_the_environment(app: MutableApp) -> None:
    container = app.properties(TASK)["ContainerDefinitions"][0]
    arn = next(one["Value"] for one in container["Environment"] if one["Name"] == "DATABASE_SECRET_ARN")
    container["Secrets"] = [{"Name": "PASSWORD", "ValueFrom": {"Fn::Join": ["", [arn, ":password::"]]}}]


@mutation("DR-LOGS-03")
def retention_by_a_function(app: MutableApp) -> None:
    properties = {"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:retention", "LogGroupName": "/orders"}
    app.add("AWS::Logs::LogGroup", "Retention", {"Type": "Custom::LogRetention", "Properties": properties})
