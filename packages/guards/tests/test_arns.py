"""ARNs as patterns, entries of lists, and what the facts about IAM are derived from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from breakwater_guards.aws.arns import arn_of, may_match, pattern, patterns_of, resource_named
from breakwater_guards.aws.items import items
from breakwater_guards.aws.statements import Condition
from breakwater_guards.facts import refresh_iam
from breakwater_guards.facts.refresh_sources import SourceError
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import UNKNOWN, Text
from breakwater_guards.reading.assemblies import Sources, Stack
from guards_testing.build import nested, resource, template

QUEUE, ROLE, FUNCTION = "AWS::SQS::Queue", "AWS::IAM::Role", "AWS::Lambda::Function"


def app(**resources: Any) -> Assembly:
    return Assembly.from_document(template(resources))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("arn:aws:sqs:*:*:jobs", "arn:*:sqs:eu-west-1:1:jobs", True),
        ("arn:aws:sqs:*:*:jobs", "arn:*:sqs:*:*:other", False),
        ("*", "arn:*:sqs:*:*:jobs", True),
        ("arn:aws:sqs*", "arn:*:sqs:*:*:jobs", True),
        ("jobs", "arn:*:sqs:*:*:jobs", False),
        ("arn:*:s3:::data", "arn:*:s3:::data/*", False),
        ("arn:*:sqs:*:*:\ue000A\ue001", "arn:*:sqs:*:*:\ue000A\ue001", True),
        ("arn:*:sqs:*:*:\ue000A\ue001", "arn:*:sqs:*:*:\ue000B\ue001", False),
        ("arn:*:sqs:*:*:app-*", "arn:*:sqs:*:*:\ue000B\ue001", True),
        ("arn:*:sqs:*:*:app", "arn:*:sqs:*:*:\ue000B\ue001", False),
        ("arn:*:sqs:*:*:App-*", "arn:*:sqs:*:*:\ue000B\ue003App-\ue002Q\ue001", True),
        ("arn:*:sqs:*:*:app-*", "arn:*:sqs:*:*:\ue000B\ue003App-\ue002Q\ue001", False),
        ("arn:*:secretsmanager:*:*:secret:\ue000A\ue001-*", "arn:*:secretsmanager:*:*:secret:\ue000B\ue001-*", False),
    ],
)
def test_patterns_are_compared_field_by_field(one: str, other: str, same: bool) -> None:
    assert may_match(one, other) is same
    assert may_match(other, one) is same


def test_a_generated_name_begins_with_that_of_the_outermost_stack() -> None:
    child = template({"Q": resource(QUEUE), "S": resource("AWS::S3::Bucket")})
    root = template({"Child": nested("child.json")})
    stacks = {"root.json": Stack(name="Breakwater-of-a-long-name")}
    model = Assembly({"root.json": root, "child.json": child}, sources=Sources(stacks=stacks))
    inner = model.templates["child.json"].resources
    assert "\ue003Breakwater-of-a-\ue002Q\ue001" in arn_of(model, inner["Q"])
    assert "\ue003\ue002S\ue001" in arn_of(model, inner["S"])


def test_the_values_of_string_equals_have_no_wildcards() -> None:
    values = ("arn:aws:sqs:*:1:a?${aws:userid}*", Text(("arn:aws:sqs:", UNKNOWN, ":*")), UNKNOWN)
    like, equals = (
        patterns_of(app(), Condition(name, "aws:SourceArn", values)) for name in ("ArnLike", "StringEquals")
    )
    assert like == ["arn:aws:sqs:*:1:a***", "arn:aws:sqs:*:*", "*"]
    assert equals == ["arn:aws:sqs:\ue004:1:a\ue004*\ue004", "arn:aws:sqs:*:\ue004", "*"]


def test_an_arn_has_what_the_templates_say() -> None:
    model = app(
        Named=resource(QUEUE, QueueName="jobs"),
        Pathed=resource(ROLE, Path="/team/", RoleName="worker"),
        Parameter=resource("AWS::SSM::Parameter", Name="/app/size"),
        Open=resource(QUEUE, QueueName={"Ref": "Nobody"}),
        Other=resource("AWS::Test::Thing"),
    )
    found = {name: arn_of(model, item) for name, item in model.templates["template"].resources.items()}
    assert found == {
        "Named": "arn:*:sqs:*:*:jobs",
        "Pathed": "arn:*:iam::*:role/team/worker",
        "Parameter": "arn:*:ssm:*:*:parameter/app/size",
        "Open": "arn:*:sqs:*:*:*",
        "Other": "*",
    }
    assert pattern(model, "arn:aws:s3:::${aws:username}/?") == "arn:aws:s3:::*/*"


def test_a_resource_is_named_by_arn_or_name() -> None:
    model = app(
        One=resource(QUEUE, QueueName="jobs"),
        Two=resource(FUNCTION, FunctionName="jobs"),
        Open=resource(QUEUE, QueueName={"Fn::Sub": "x-${Nobody}"}),
    )
    here = model.templates["template"]
    one, two = here.resources["One"], here.resources["Two"]
    assert resource_named(model, "arn:aws:sqs:eu-west-1:1:jobs", here) is one
    assert resource_named(model, "jobs", here, FUNCTION) is two
    assert resource_named(model, "jobs", here) is None
    assert resource_named(model, Text(("x-", UNKNOWN)), here) is None
    assert resource_named(model, one.reference, here, FUNCTION) is None


def test_of_two_stacks_with_one_name_the_own_one_counts() -> None:
    child = template({"Queue": resource(QUEUE, QueueName="jobs")})
    root = template({"A": nested("a.json"), "B": nested("b.json")})
    model = Assembly({"root.json": root, "a.json": child, "b.json": child})
    assert resource_named(model, "jobs", model.templates["b.json"]) is model.templates["b.json"].resources["Queue"]
    assert resource_named(model, "jobs", model.templates["root.json"]) is None


def test_entries_are_found_in_both_arms_and_steps_lead_out_of_the_assembly() -> None:
    arms = {"Fn::If": ["Some", [{"Arn": "a"}], {"Fn::If": ["Other", [{"Arn": "b"}, "text"], {"Ref": "AWS::NoValue"}]}]}
    model = app(R=resource(Targets=arms, Elsewhere="arn:aws:lambda:eu-west-1:1:function:other"))
    (source,) = model.of_type("AWS::Test::Thing")
    assert [(item.path, item.given("Arn")) for item in items(source, "Targets[]")] == [
        ("Targets.0", ["a"]),
        ("Targets.0", ["b"]),
    ]
    (whole,) = items(source)
    assert [value for _, value in whole.follow(model, "Elsewhere>Role")] == [UNKNOWN]
    assert list(whole.follow(model, "Absent>Role")) == []


@pytest.mark.parametrize("derive", [refresh_iam.managed_policies, refresh_iam.authorized_types])
def test_packages_of_another_shape_stop_the_refresh(
    derive: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(refresh_iam, "import_module", lambda _: SimpleNamespace(__file__=str(tmp_path / "x.py")))
    with pytest.raises(SourceError, match="no longer has"):
        derive()
