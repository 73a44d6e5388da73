"""Logical ids, names, types and deletion policies that change between two templates."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from ops.check.changes import Action
from ops.check.templates import of_templates
from ops.preflight.check import Status

BUCKET, TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable"


def _app(**resources: dict[str, Any]) -> Assembly:
    return Assembly({"root.json": {"Resources": resources}})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS::CloudWatch::Alarm", "AlarmName"),
        ("AWS::SNS::Topic", "TopicName"),
        ("AWS::ECS::Service", "ServiceName"),
        (BUCKET, "BucketName"),
    ],
)
def test_a_name_is_refused_to_a_new_resource_as_long_as_the_old_one_has_it(kind: str, name: str) -> None:
    """CloudFormation removes last, from every stack that is nested in one."""

    def made(logical_id: str, value: str) -> Assembly:
        properties = {name: value} if value else {}
        return _app(**{logical_id: {"Type": kind, "DeletionPolicy": "Retain", "Properties": properties}})

    (new,) = [each for each in of_templates(made("Old", "a"), made("New", "a")) if each.action is Action.ADD]
    assert (new.status, new.same_name) == (Status.FAIL, name)
    assert str(new).endswith(
        f": Old (Old) is deployed with this name; CloudFormation refuses it, since {name} stays the same"
    )
    for before, after in (("a", "b"), ("a", ""), ("", "")):
        (new,) = [each for each in of_templates(made("Old", before), made("New", after)) if each.action is Action.ADD]
        assert (new.status, new.same_name) == (Status.PASS, "")


def test_the_same_bucket_under_another_logical_id_is_left_behind_even_if_it_is_kept() -> None:
    kept, other = {"Type": BUCKET, "DeletionPolicy": "Retain"}, {"Type": BUCKET, "Properties": {"Tags": []}}
    (gone, new) = of_templates(_app(Old=kept), _app(New=kept))
    assert (gone.action, gone.status, gone.old, new.action) == (Action.REPLACE, Status.FAIL, "kept", Action.ADD)
    # What was there before takes nobody's place.
    (gone,) = of_templates(_app(Old=kept, Twin=kept, Other=other), _app(Twin=kept, Other=other))
    assert (gone.action, gone.status, gone.why) == (Action.REMOVE, Status.WARN, "")


def test_another_type_under_a_logical_id_is_refused() -> None:
    def made(kind: str) -> Assembly:
        return _app(One={"Type": kind, "DeletionPolicy": "Retain"})

    (gone, _) = of_templates(made("AWS::DynamoDB::Table"), made(TABLE))
    assert (gone.action, gone.status) == (Action.REMOVE, Status.FAIL)
    assert str(gone).endswith(
        f"it is planned as {TABLE}; CloudFormation refuses it, since its logical id stays the same"
    )
