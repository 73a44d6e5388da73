"""Amazon CloudWatch: composite alarms, and alarms on metric math, which are stored but not evaluated."""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Declared, Properties


def install() -> None:
    """Register the types of this service."""
    registry.add(
        "AWS::CloudWatch::CompositeAlarm",
        create=_create_composite,
        update=_update_composite,
        delete=_delete_composite,
        create_only=("AlarmName",),
    )
    # ministack's creation and its update of a metric alarm both end in this function, which refuses `Metrics`.
    upstream.put_metric_alarm.wrap(_accept_metric_math)


def _create_composite(declared: Declared) -> tuple[str, Attributes]:
    name = declared.name("AlarmName", longest=255)
    return name, _put_composite(name, declared.properties)


def _update_composite(name: str, declared: Declared, _previous: Properties) -> Attributes:
    return _put_composite(name, declared.properties)


def _put_composite(name: str, properties: Properties) -> Attributes:
    request = arguments("cloudwatch", "PutCompositeAlarm", {**properties, "AlarmName": name})
    client("cloudwatch").put_composite_alarm(**request)
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    return {"Arn": found["CompositeAlarms"][0]["AlarmArn"]}


def _delete_composite(name: str, _properties: Properties) -> None:
    client("cloudwatch").delete_alarms(AlarmNames=[name])


def _accept_metric_math(put_single_metric: Callable[..., Any]) -> Callable[..., Any]:
    def put(name: str, props: Properties) -> Any:
        if not props.get("Metrics"):
            return put_single_metric(name, props)
        request = arguments("cloudwatch", "PutMetricAlarm", {**props, "AlarmName": name})
        client("cloudwatch").put_metric_alarm(**request)
        record = upstream.alarms[name]
        record["Metrics"] = request["Metrics"]  # PutMetricAlarm drops them; DescribeAlarms answers from the record
        return name, {"Arn": record["AlarmArn"]}

    return put
