"""The architecture picture shows what is synthesized, and the committed one is current."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly as Model
from scripts import diagram
from scripts.diagram import PICTURE, picture, render, story
from tests.assembly import Assembly

ARROW = re.compile(r"^\S+?(\w+) -> \S+?(\w+)(?::| \{)", re.MULTILINE)


def _story(deployment: Assembly) -> str:
    return story(Model.load(deployment.folder))


def _arrows(source: str) -> set[tuple[str, str]]:
    return set(ARROW.findall(source))


def _labels(source: str) -> set[str]:
    return {label.replace(r"\n", " ") for label in re.findall(r': "?([^"{\n]+?)"? \{', source)}


@pytest.fixture(scope="module")
def rendered(prod: Assembly) -> dict[str, Any]:
    return render(_story(prod))


@pytest.fixture(scope="module")
def drawn(rendered: dict[str, Any]) -> str:
    return picture(rendered)


def test_the_committed_picture_is_current(drawn: str) -> None:
    assert drawn == PICTURE.read_text(encoding="utf-8"), "run `make diagram` and commit the picture"


def test_the_picture_needs_nothing_beside_itself_and_suits_light_and_dark_pages(drawn: str) -> None:
    assert {address.partition(",")[0] for address in re.findall(r'(?:href="|url\("?)([^#")]+)', drawn)} == {
        "data:image/svg+xml;base64",
        "data:application/font-woff;base64",
    }
    assert "prefers-color-scheme:dark" in drawn.replace(" ", "")
    assert len(drawn) < 150_000


def test_every_nested_stack_is_there_with_its_number_of_resources(deployment: Assembly) -> None:
    labels = _labels(_story(deployment))
    for name, template in deployment.nested.items():
        assert f"{name} {len(template.resources)}" in labels


def test_figures_come_from_the_templates(dev: Assembly, prod: Assembly, unusual: Assembly) -> None:
    cheap, safe, other = (_labels(_story(deployment)) for deployment in (dev, prod, unusual))
    assert {"Load balancer", "HTTP", "Log bucket kept 30 days", "Fargate 1 to 2 tasks"} <= cheap
    assert {"Backup vault not locked", "Failover on demand", "Health monitor every minute"} <= cheap
    assert {"Load balancer · WAF with 5 rules", "HTTPS", "Log bucket kept 365 days"} <= safe
    assert {"Backup vault locked", "Fargate 1 to 6 tasks", "Aurora writer PostgreSQL 17.7"} <= safe
    assert {"VPC 10.99.0.0/16", "Availability Zone 3", "Aurora writer PostgreSQL 16.8"} <= other
    assert {"Failover automatic", "Health monitor every 2 minutes", "Restore test Wednesdays"} <= other


def test_the_arrows_tell_the_story(prod: Assembly) -> None:
    assert _arrows(_story(prod)) == {
        ("internet", "alb"),
        ("alb", "tasks"),
        ("tasks", "db"),
        ("tasks", "table"),
        ("tasks", "data"),
        ("alb", "logs"),
        ("data", "logs"),
        ("db", "db"),
        ("monitor", "vpc"),
        ("monitor", "alarms"),
        ("alarms", "topic"),
        ("topic", "people"),
        ("people", "failover"),
        ("failover", "db"),
        ("db", "plan"),
        ("table", "plan"),
        ("plan", "vault"),
        ("vault", "test"),
        ("test", "validation"),
        ("validation", "result"),
    }


@pytest.mark.parametrize(
    ("kind", "path", "lost"),
    [
        ("AWS::Backup::BackupSelection", ("BackupSelection", "Resources"), {("db", "plan"), ("table", "plan")}),
        ("AWS::ECS::TaskDefinition", ("ContainerDefinitions",), {("tasks", each) for each in ("db", "table", "data")}),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", ("LoadBalancerAttributes",), {("alb", "logs")}),
        ("AWS::Lambda::EventSourceMapping", ("FunctionName",), {("test", "validation")}),
    ],
)
def test_an_arrow_goes_with_its_reference(
    prod: Assembly, kind: str, path: tuple[str, ...], lost: set[tuple[str, str]]
) -> None:
    model = Model.load(prod.folder)
    (resource,) = model.of_type(kind)
    properties = resource.body["Properties"]
    for key in path[:-1]:
        properties = properties[key]
    properties[path[-1]] = []
    assert _arrows(_story(prod)) - _arrows(story(model)) == lost


def test_a_lost_reader_takes_its_arrows_along(prod: Assembly) -> None:
    model = Model.load(prod.folder)
    _, reader = model.of_type("AWS::RDS::DBInstance")
    del reader.template.resources[reader.logical_id]
    assert _arrows(_story(prod)) - _arrows(story(model)) == {("db", "db"), ("failover", "db")}
    assert not any(label.startswith("Aurora reader") for label in _labels(story(model)))


def test_a_text_that_does_not_fit_its_box_is_refused(rendered: dict[str, Any]) -> None:
    assert len(rendered["boxes"]) > 20
    for box in rendered["boxes"]:
        if box["labelWidth"] > 1:
            with pytest.raises(RuntimeError, match=rf"{box['labelWidth']} pixels and has 1$"):
                picture(rendered | {"boxes": [box | {"width": 1}]})


def test_what_d2_refuses_is_one_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "refusing.mjs"
    refusing.write_text("console.error('connection missing destination'); process.exit(1);", encoding="utf-8")
    monkeypatch.setattr(diagram, "RENDERER", refusing)
    with pytest.raises(RuntimeError, match=r"^no picture was drawn .*: connection missing destination$"):
        render("a ->")


def test_check_writes_nothing_and_fails_for_a_picture_that_is_not_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prod: Assembly
) -> None:
    picture, model = tmp_path / "architecture.svg", Model.load(prod.folder)
    monkeypatch.setattr(diagram, "PICTURE", picture)
    monkeypatch.setattr(diagram, "synthesize", lambda *_: None)
    monkeypatch.setattr(diagram, "render", lambda text: {"svg": text, "boxes": []})
    monkeypatch.setattr(Model, "load", lambda _: model)
    monkeypatch.setattr("sys.argv", ["diagram"])
    diagram.main()
    drawn = picture.read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["diagram", "--check"])
    diagram.main()
    picture.write_text(stale := drawn + " ", encoding="utf-8")
    with pytest.raises(SystemExit, match="run `make diagram`"):
        diagram.main()
    assert picture.read_text(encoding="utf-8") == stale
