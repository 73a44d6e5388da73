"""Amazon CloudWatch: composite alarms, and alarms on metric math, which are stored but not evaluated."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, Shape, StructureShape

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.refusals import Request, members, parameter
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
    upstream.describe_alarms.wrap(_whole_in_every_protocol)


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


_LISTS = ("AlarmNames", "AlarmTypes")
_PLAIN = ("AlarmNamePrefix", "StateValue", "ActionPrefix", "NextToken")
_OK = 200


def _whole_in_every_protocol(describe: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a query request, as AWS CLI v1 sends it, from the JSON answer: ministack's XML has a third of an alarm."""

    def describe_alarms(params: Request, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return describe(params, cbor_data, is_cbor, is_json)
        asked: dict[str, Any] = {name: parameter(params, name) for name in _PLAIN if parameter(params, name)}
        asked |= {name: given for name in _LISTS if (given := members(params, f"{name}.member"))}
        if parameter(params, "MaxRecords"):
            asked["MaxRecords"] = int(parameter(params, "MaxRecords"))
        status, _headers, body = describe({}, asked, False, True)
        if status != _OK:
            return describe(params, cbor_data, is_cbor, is_json)
        shape = client("cloudwatch").meta.service_model.operation_model("DescribeAlarms").output_shape
        content = f"<DescribeAlarmsResult>{_xml(json.loads(body), shape)}</DescribeAlarmsResult>"
        return upstream.cloudwatch_xml(_OK, "DescribeAlarmsResponse", content)

    return describe_alarms


def _xml(value: Any, shape: Shape) -> str:
    """Return a value as the query protocol writes it."""
    match shape:
        case StructureShape():
            given = {name: value[name] for name in shape.members if value.get(name) is not None}
            return "".join(f"<{name}>{_xml(each, shape.members[name])}</{name}>" for name, each in given.items())
        case ListShape():
            return "".join(f"<member>{_xml(each, shape.member)}</member>" for each in value)
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return escape(str(value).lower() if isinstance(value, bool) else str(value))
