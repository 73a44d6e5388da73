"""Random values anywhere in real templates: every rule answers, or the input is refused; nothing ever crashes."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakwater_guards import InputError
from breakwater_guards.engine import examine
from breakwater_guards.formats import FORMATS
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.files import parse, read_document
from breakwater_guards.rule import Profile

FIXTURES = Path(__file__).parent / "fixtures"
FUNCTIONS = (
    *("Ref", "Condition", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::If", "Fn::FindInMap"),
    *(
        "Fn::ImportValue",
        "Fn::GetAZs",
        "Fn::GetStackOutput",
        "Fn::Transform",
        "Fn::Equals",
        "Fn::Not",
        "Fn::And",
        "Fn::Or",
    ),
)
WORDS = st.sampled_from(
    (
        "",
        "*",
        "a",
        "-1",
        "0",
        "8080",
        "true",
        "AWS::Region",
        "AWS::NoValue",
        "${A}",
        "${",
        "arn:aws:iam::",
        "10.0.0.0/8",
        "²",
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | WORDS
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=3)
        | st.builds(lambda name, argument: {name: argument}, st.sampled_from(FUNCTIONS), inner)
    )


SWEEPS = 2_000  # three times the number of fixtures; each wrong value occurs about eighty times
WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**25, "", "a", "*", "\ud800", "²", "2.5", "1e400", "nan", "10.0.0.0/99", "::/0"),
    *(
        "arn:aws:x",
        "arn:aws:iam::1:role/x",
        "mon:99:99-x",
        "${Token[TOKEN.1]}",
        [],
        {},
        [None],
        [{}],
        [[]],
        {"a": None},
    ),
    *({"Ref": "AWS::NoValue"}, {"Ref": "AWS::Region"}, {"Ref": 5}, {"Fn::GetAtt": ["x"]}, {"Fn::GetAZs": ""}),
    *(
        {"Fn::If": ["C", [], {}]},
        {"Fn::If": ["C", {"Ref": "AWS::NoValue"}, 5]},
        {"Fn::Transform": {}},
        {"Fn::Split": [",", "a,b"]},
    ),
    *({"Fn::Sub": ["${a}", []]}, {"Fn::Sub": "${AWS::AccountId}:${x}"}, {"Statement": []}, {"Statement": "x"}),
]
VALUES = st.recursive(SCALARS, _containers, max_leaves=6)


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Return the plain fixtures of every rule, by name."""
    found = {}
    for file in sorted(FIXTURES.glob("*/*.*")):
        if file.is_file() and file.suffix in (".yaml", ".json"):
            found[f"{file.parent.name}/{file.name}"] = read_document(file)
    return found


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a document with each of its keys."""
    if isinstance(document, dict | list):
        for key in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, key
            yield from places(document[key])


def test_wrong_types_anywhere() -> None:
    """Write the wrong types that a person or a generator writes, at random places of every rule's fixtures."""
    chance = random.Random(2026)  # noqa: S311 (the same defects in every run)
    names = sorted(documents())
    for number in range(SWEEPS):
        document = copy.deepcopy(documents()[names[number % len(names)]])
        for _ in range(chance.randint(1, 3)):
            container, key = chance.choice(list(places(document)) or [({"": 0}, "")])
            written = container[key]
            wrong, other = copy.deepcopy(chance.choices(WRONG, k=2))
            container[key] = chance.choice(([written], {"Fn::If": ["C", written, wrong]}, wrong, wrong, other))
        _judge(lambda document=document: Assembly.from_document(document))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_random_value_anywhere(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(documents())))
    document = copy.deepcopy(documents()[name])
    for _ in range(data.draw(st.integers(1, 3))):
        spots = list(places(document)) or [({"": 0}, "")]
        container, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        container[key] = data.draw(VALUES)
    _judge(lambda: Assembly.from_document(document))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_values_in_two_templates_that_nest(data: st.DataObject) -> None:
    left, right = (data.draw(st.sampled_from(sorted(documents()))) for _ in range(2))
    pair = {"a.json": copy.deepcopy(documents()[left]), "b.json": copy.deepcopy(documents()[right])}
    passed = data.draw(
        st.dictionaries(st.sampled_from(sorted(_parameters(pair["b.json"])) or ["X"]), VALUES, max_size=3)
    )
    pair["a.json"]["Resources"]["Nest"] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "b.json", "Parameters": passed},
    }
    _judge(lambda: Assembly(pair))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200) | st.sampled_from(sorted(map(str, range(50)))).map(lambda item: f"Resources: {item}"))
def test_random_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text, "t")
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (either outcome is right)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_text_is_judged_or_refused(data: st.DataObject) -> None:
    files = sorted(file for file in FIXTURES.glob("*/*.yaml"))
    text = data.draw(st.sampled_from(files)).read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    damaged = text[:start] + data.draw(st.text(alphabet="{}[]:-!&*'\"#|> \n\taRef", max_size=6)) + text[end:]
    _judge(lambda: Assembly.from_document(parse(damaged, "t")))


def _parameters(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document.get("Parameters", {})
    return found


def _judge(load: Any) -> None:
    try:
        report = examine(load(), profile=Profile.MULTI_REGION)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (either outcome is right)
        return
    for failure in report.unjudged:
        raise AssertionError(str(failure)) from failure.error
    # Only the rules that found something: to print all of them takes ten times as long as to run them.
    found = {finding.rule for finding in report.findings}
    report = report._replace(rules=tuple(rule for rule in report.rules if rule.id in found))
    for to_format in FORMATS.values():
        to_format(report)
