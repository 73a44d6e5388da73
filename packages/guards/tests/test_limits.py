"""What a template may be made of to cost time: each form is linear, and the stated limits hold in the stated time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards.engine import examine
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.files import MAX_BYTES
from guards_testing.build import resource, template, write
from guards_testing.process import python

ALLOWED = {"Effect": "Allow", "Action": ["s3:GetObject"] * 150, "Resource": "*"}
SECONDS = 10  # for 32 MiB, as the README says
TIMED = """
import sys, time
from breakwater_guards.engine import examine
started = time.process_time()
report = examine(sys.argv[1])
sys.exit("; ".join(map(str, report.unjudged))) if report.unjudged else print(time.process_time() - started)
"""
FACTOR = 8  # what four times the input may cost: about 4 is linear, 16 is a square


def topic(name: Any, **sections: Any) -> dict[str, Any]:
    """Return a template whose alarm, topic and output have a name."""
    alarm = resource("AWS::CloudWatch::Alarm", AlarmName=name)
    outputs = {"Name": {"Value": name, "Export": {"Name": name}}}
    return template({"Topic": resource("AWS::SNS::Topic", TopicName=name), "Alarm": alarm}, Outputs=outputs, **sections)


FORMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "open placeholders": lambda size: topic({"Fn::Sub": "${" * size}),
    "placeholders": lambda size: topic({"Fn::Sub": "${A}" * size}),
    "dollars": lambda size: topic({"Fn::Sub": "$" * size}),
    "variables": lambda size: topic({"Fn::Sub": ["${A}" * size, {"A": {"Fn::Sub": "${B}"}}]}),
    "join": lambda size: topic({"Fn::Join": ["-", ["a", {"Ref": "B"}] * size]}),
    "split": lambda size: topic({"Fn::Select": [0, {"Fn::Split": [",", "a," * size]}]}),
    "blanks": lambda size: topic({"Fn::Sub": "${" + " " * size}),
    "text of JSON": lambda size: topic(json.dumps({"Statement": [{"Effect": "Allow"}] * size})),
    "conditions": lambda size: topic(
        {"Fn::If": ["C0", "a", "b"]},
        Parameters={"P": {"Type": "String", "Default": ""}},
        Conditions={
            **{f"C{number}": {"Fn::Not": [{"Condition": f"C{number + 1}"}]} for number in range(size // 50)},
            f"C{size // 50}": {"Fn::Equals": [{"Ref": "P"}, ""]},
        },
    ),
}


def seconds(document: dict[str, Any]) -> float:
    """Return how long a template takes."""
    best = 60.0
    for _ in range(2):
        started = time.process_time()
        assert examine(Assembly.from_document(document)).unjudged == ()
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize("form", FORMS)
def test_four_times_the_input_takes_about_four_times_the_time(form: str) -> None:
    small, large = (seconds(FORMS[form](size)) for size in (2_500, 10_000))
    assert large < max(FACTOR * small, 0.5), f"{small:.2f} s, {large:.2f} s"


def test_fifty_thousand_open_placeholders_take_less_than_a_second() -> None:
    assert seconds(FORMS["open placeholders"](50_000)) < 1


@pytest.mark.parametrize("form", ["resources", "text", "placeholders", "policies"])
def test_the_largest_file_is_judged_in_ten_seconds(form: str, tmp_path: Path) -> None:
    documents = {
        "resources": lambda: template(
            {f"Topic{number}": resource("AWS::SNS::Topic", TopicName="x" * 3_000) for number in range(10_000)}
        ),
        "text": lambda: topic("x" * 7_500_000),
        "placeholders": lambda: topic({"Fn::Sub": "${" * 3_750_000}),
        "policies": lambda: template(
            {
                f"P{number}": resource(
                    "AWS::IAM::ManagedPolicy",
                    PolicyDocument={
                        "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"] * 150, "Resource": "*"}]
                    },
                )
                for number in range(10_000)
            }
        ),
    }
    folder = write(tmp_path, a__json=documents[form]())
    assert MAX_BYTES * 0.7 < (folder / "a.json").stat().st_size < MAX_BYTES
    done = python("-c", TIMED, str(folder / "a.json"))  # where nobody measures which lines run
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < SECONDS
