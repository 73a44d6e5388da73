"""Seeded defects of what goes by name, by place or in a circle: alarms, metrics, ports, aliases, stacks."""

from __future__ import annotations

from tests.guards.mutations import MutableApp, mutation

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"


@mutation("DR-CLOUDWATCH-09")
def composite_of_a_name_of_nobody(app: MutableApp) -> None:
    app.properties(COMPOSITE)["AlarmRule"] = 'ALARM("dr-database-down-eu2-us-east-1")'


@mutation("DR-CLOUDWATCH-10")
def own_metric_in_another_namespace(app: MutableApp) -> None:
    name = app.properties(ALARM, "AlarmsSlowFailover")["MetricName"]
    made = [{"MetricNamespace": "Breakwater", "MetricName": name, "MetricValue": "1"}]
    properties = {"LogGroupName": "slow", "FilterPattern": "slow", "MetricTransformations": made}
    app.add("AWS::Lambda::Function", "Slow", {"Type": "AWS::Logs::MetricFilter", "Properties": properties})
    app.properties(ALARM, "AlarmsSlowFailover")["Namespace"] = "Recovery"


@mutation("DR-TARGET-01")
def web_acl_of_a_listener(app: MutableApp) -> None:
    (listener, *_) = app.resources("AWS::ElasticLoadBalancingV2::Listener")
    app.properties("AWS::WAFv2::WebACLAssociation")["ResourceArn"] = {"Ref": listener}


@mutation("DR-AGREE-01")
def web_acl_of_an_edge(app: MutableApp) -> None:
    app.properties("AWS::WAFv2::WebACL")["Scope"] = "CLOUDFRONT"


@mutation("DR-AGREE-02")
def stream_that_the_table_does_not_have(app: MutableApp) -> None:
    (table,) = app.resources("AWS::DynamoDB::GlobalTable")
    app.properties(ALARM, "AlarmsThrottledReads")["AlarmDescription"] = {"Fn::GetAtt": [table, "StreamArn"]}


@mutation("DR-AGREE-03")
def scalable_target_without_its_prefix(app: MutableApp) -> None:
    parts = app.properties("AWS::ApplicationAutoScaling::ScalableTarget")["ResourceId"]["Fn::Join"][1]
    parts[0] = parts[0].removeprefix("service/")


@mutation("DR-AGREE-04")
def time_to_live_by_another_attribute(app: MutableApp) -> None:
    app.properties("AWS::DynamoDB::GlobalTable")["TimeToLiveSpecification"]["AttributeName"] = "ttl"


@mutation("DR-CIRCLE-01")
def stacks_that_wait_for_each_other(app: MutableApp) -> None:
    stacks = app.resources("AWS::CloudFormation::Stack")
    (monitoring,) = [name for name in stacks if name.startswith("Monitoring")]
    (kms,) = [name for name in stacks if name.startswith("Kms")]
    stacks[kms]["DependsOn"] = monitoring


@mutation("DR-IAM-13")
def namespace_that_the_role_may_not_use(app: MutableApp) -> None:
    code = "import os\n\ndef handle(event, context):\n    return os.environ['METRIC_NAMESPACE']\n"
    function = app.properties("AWS::Lambda::Function", "Failover")
    function.update(Code={"ZipFile": code}, Handler="index.handle")
    function["Environment"]["Variables"]["METRIC_NAMESPACE"] = "Platform"


@mutation("DR-ECS-20")
def container_told_another_port(app: MutableApp) -> None:
    (container,) = app.properties("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    next(item for item in container["Environment"] if item["Name"] == "PORT")["Value"] = "8081"


@mutation("DR-LAMBDA-12")
def alias_of_nobody(app: MutableApp) -> None:
    app.properties("AWS::Lambda::EventInvokeConfig", "RestoreValidation")["Qualifier"] = "live"
