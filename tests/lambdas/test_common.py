"""Code that all functions share: environment variables, metrics, clients."""

from __future__ import annotations

from typing import Any

import pytest

from common import clients
from common.environment import ConfigurationError, read_integer, read_list, read_text
from common.metrics import MAX_METRICS_PER_CALL, Metric, publish


@pytest.mark.parametrize(("environ", "name"), [({}, "TABLE_NAME"), ({"TABLE_NAME": ""}, "TABLE_NAME")])
def test_a_missing_variable_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"variable {name} is not set"):
        read_text(environ, name)


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "\u0661", "1e3"])
def test_a_number_is_an_integer_of_0_or_more(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SECONDS = .*integer of 0 or more"):
        read_integer({"SECONDS": value}, "SECONDS")
    assert read_integer({"SECONDS": "0"}, "SECONDS") == 0


def test_a_list_is_separated_by_commas() -> None:
    assert read_list({"ARNS": "a,b,"}, "ARNS") == ("a", "b")


class _CloudWatch:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def put_metric_data(self, **call: Any) -> None:
        self.calls.append(call)


def test_every_metric_carries_the_suffix() -> None:
    cloudwatch = _CloudWatch()
    publish(cloudwatch, [Metric("Age", 5, "Seconds", {"Resource": "r"})], namespace="Breakwater", suffix="eu1")
    dimensions = [{"Name": "Resource", "Value": "r"}, {"Name": "Suffix", "Value": "eu1"}]
    data = [{"MetricName": "Age", "Value": 5, "Unit": "Seconds", "Dimensions": dimensions}]
    assert cloudwatch.calls == [{"Namespace": "Breakwater", "MetricData": data}]


def test_calls_stay_within_the_limit_of_cloudwatch() -> None:
    cloudwatch = _CloudWatch()
    publish(cloudwatch, [Metric("Age", 1)] * (MAX_METRICS_PER_CALL + 1), namespace="n", suffix="s")
    assert [len(call["MetricData"]) for call in cloudwatch.calls] == [MAX_METRICS_PER_CALL, 1]
    publish(cloudwatch, [], namespace="n", suffix="s")
    assert len(cloudwatch.calls) == 2


@pytest.mark.usefixtures("account")
def test_clients_have_short_timeouts_and_are_created_once() -> None:
    rds = clients.client("rds")
    assert rds is clients.client("rds")
    config = rds.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 5, 3)
