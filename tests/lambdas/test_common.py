"""What the functions share."""

from __future__ import annotations

from typing import Any

import pytest

from common import clients
from common.environment import ConfigurationError, number, text, words
from common.metrics import MOST_IN_ONE_CALL, Metric, publish
from tests.lambdas.world import Calls


@pytest.mark.parametrize(("environ", "name"), [({}, "TABLE_NAME"), ({"TABLE_NAME": ""}, "TABLE_NAME")])
def test_a_missing_variable_is_named(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"variable {name} is not set"):
        text(environ, name)


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "\u0661", "1e3"])
def test_a_number_is_a_whole_one_from_0_on(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SECONDS = .*whole number"):
        number({"SECONDS": value}, "SECONDS")
    assert number({"SECONDS": "0"}, "SECONDS") == 0


def test_words_stand_between_commas() -> None:
    assert words({"ARNS": "a,b,"}, "ARNS") == ("a", "b")


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


def test_calls_stay_within_what_cloudwatch_takes() -> None:
    cloudwatch = _CloudWatch()
    publish(cloudwatch, [Metric("Age", 1)] * (MOST_IN_ONE_CALL + 1), namespace="n", suffix="s")
    assert [len(call["MetricData"]) for call in cloudwatch.calls] == [MOST_IN_ONE_CALL, 1]
    publish(cloudwatch, [], namespace="n", suffix="s")
    assert len(cloudwatch.calls) == 2


def test_clients_give_up_in_time_and_are_made_once(calls: Calls) -> None:
    assert calls == set()
    made = clients.client("rds")
    assert made is clients.client("rds")
    config = made.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 5, 3)
