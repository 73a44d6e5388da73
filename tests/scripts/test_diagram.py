"""The architecture picture shows what is synthesized, and the committed one is not out of date."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import diagram
from scripts.diagram_dot import dot
from scripts.diagram_graph import Graph, Resource
from scripts.diagram_network import ingress, purpose_of, tiers, zone
from stacks.profiles import PROFILES
from tests.assembly import NESTED, Assembly, TemplateView

TEXT = re.compile(r">([^<>\n]+)<")


def _words(source: str) -> list[str]:
    return [found.strip() for found in TEXT.findall(source)]


def _connections(graph: Graph) -> set[tuple[str, str, int]]:
    return {
        (source.kind.split("::")[-1] if source else "Internet", target.kind.split("::")[-1], port)
        for target, sources in ingress(graph).items()
        for source, ports in sources.items()
        for port in ports
    }


def test_the_committed_picture_is_of_the_app_as_it_is(prod: Assembly) -> None:
    committed = diagram.PICTURE.read_text(encoding="utf-8")
    assert prod.profile == diagram.PROFILE
    assert diagram.drawn_from(committed) == diagram.digest(dot(prod)), "run `make diagram` and commit the picture"


def test_the_committed_picture_shows_every_word_of_its_source(prod: Assembly) -> None:
    committed = diagram.PICTURE.read_text(encoding="utf-8").replace("&#160;", " ").replace("&#45;", "-")
    for words in _words(dot(prod)):
        assert words in committed


def test_every_nested_stack_is_there_with_its_resources(deployment: Assembly) -> None:
    source = dot(deployment)
    counts = {name: len(template.resources) for name, template in deployment.nested.items()}
    for name in NESTED:
        assert f"{counts[name]} resources" in source, name
    assert f"{sum(counts.values()) + len(deployment.root.resources)} resources" in source
    assert deployment.names.stack in source
    assert deployment.settings.region in source


def test_the_text_carries_no_generated_id(deployment: Assembly) -> None:
    """A new hash in a logical id must not make the picture look out of date."""
    source = dot(deployment)
    for template in deployment.nested.values():
        for logical_id in template.resources:
            if re.search(r"[0-9A-F]{8}$", logical_id):
                assert logical_id not in source
    assert "${" not in source


def test_connections_follow_the_security_group_rules(deployment: Assembly) -> None:
    settings = deployment.settings
    expected = {
        ("Internet", "LoadBalancer", 80),
        ("LoadBalancer", "Service", settings.compute.port),
        ("Service", "DBCluster", settings.database.port),
    }
    if settings.compute.certificate_arn:
        expected.add(("Internet", "LoadBalancer", 443))
    if settings.network.egress.value == "endpoints":
        expected.add(("Service", "VPCEndpoint", 443))
    assert _connections(Graph(deployment)) == expected


def test_subnets_are_told_apart_by_their_routes(deployment: Assembly) -> None:
    graph = Graph(deployment)
    layout = tiers(graph)
    nat = ["private"] if deployment.settings.network.egress.value == "nat" else []
    assert [tier.purpose for tier in layout] == ["public", *nat, "isolated"]
    zones = [[zone(graph, subnet) for subnet in tier.subnets] for tier in layout]
    wanted = list(deployment.settings.network.zones) or [
        f"zone {number + 1}" for number in range(deployment.settings.network.zone_count)
    ]
    assert zones == [wanted] * len(layout)


def test_everything_stands_where_its_subnets_are(deployment: Assembly) -> None:
    graph = Graph(deployment)
    layout = tiers(graph)
    tasks = {"public-ip": "public", "nat": "private", "endpoints": "isolated"}[deployment.settings.network.egress.value]
    for kind, purpose in (
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "public"),
        ("AWS::ECS::Service", tasks),
        ("AWS::RDS::DBSubnetGroup", "isolated"),
    ):
        assert purpose_of(graph, graph.one(kind), layout) == purpose, kind


def test_a_resource_outside_the_subnets_is_refused(dev: Assembly) -> None:
    graph = Graph(dev)
    service = graph.one("AWS::ECS::Service")
    adrift = Resource(service.stack, service.path, service.kind, {"NetworkConfiguration": {}})
    with pytest.raises(LookupError, match=r"Compute/Service.* no subnets"):
        purpose_of(graph, adrift, tiers(graph))


def test_the_only_one_of_many_is_refused(dev: Assembly) -> None:
    with pytest.raises(LookupError, match="3 resources of type AWS::KMS::Key"):
        Graph(dev).one("AWS::KMS::Key")


def test_references_reach_into_other_nested_stacks(dev: Assembly) -> None:
    graph = Graph(dev)
    cluster = graph.one("AWS::RDS::DBCluster")
    assert [key.path for key in graph.targets(cluster, cluster.properties["KmsKeyId"])] == ["Kms/DataKey"]
    service = graph.one("AWS::ECS::Service")
    groups = graph.targets(service, service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"])
    assert [group.path for group in groups] == ["Network/TaskSecurityGroup"]


def test_facts_differ_between_environments(dev: Assembly, prod: Assembly, options: Assembly) -> None:
    cheap, safe, many = (set(_words(dot(deployment))) for deployment in (dev, prod, options))
    assert "0.5 to 2 ACU · any second of 7 days" in cheap
    assert "1 to 16 ACU · any second of 35 days" in safe
    assert "locked (governance): 7 to 2555 days" in safe
    assert "locked (compliance): 7 to 365 days" in many
    assert not any(words.startswith("locked") for words in cheap)
    assert {"5 interface endpoints", "AWS WAF: 5 rules · deletion protection"} <= safe
    assert not any("interface endpoints" in words or "WAF" in words for words in cheap)
    assert {"1 NAT gateway", "2 subscribers"} <= many
    assert "table, data bucket, Aurora" in safe


def test_arrows_say_what_the_templates_say(dev: Assembly) -> None:
    source = dot(dev)
    for arrow in (
        "internet -> vpc:alb:w",
        "vpc:alb:e -> Storage:LogBucket:w",
        "vpc:service:e -> Storage:table:w",
        "vpc:database:e -> Backup:plan:w",
        "Backup:plan:e -> Storage:table:e [dir=back]",
    ):
        assert arrow in source


def test_an_arrow_goes_with_its_reference(dev: Assembly) -> None:
    """Without the task role's rights on the table there is no arrow to it."""
    compute = deepcopy(dict(dev.nested["Compute"].document))
    for resource in compute["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy":
            resource["Properties"]["PolicyDocument"] = {}
    without = replace(dev, nested={**dev.nested, "Compute": TemplateView(compute)})
    lost = set(dot(dev).splitlines()) - set(dot(without).splitlines())
    assert lost == {'vpc:service:e -> Storage:table:w [label="read, write" penwidth=2]'}


def test_render_without_node_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="make install"):
        diagram.render("digraph {}")


def test_render_draws_and_marks_the_picture() -> None:
    source = "digraph { one -> two }"
    svg = diagram.render(source)
    assert diagram.drawn_from(svg) == diagram.digest(source)
    assert svg.count("<svg ") == 1
    assert ">one</text>" in svg


def test_render_says_what_graphviz_refused() -> None:
    with pytest.raises(RuntimeError, match="syntax error"):
        diagram.render("digraph {")


def test_main_draws_another_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dev: Assembly
) -> None:
    target = tmp_path / "dev.svg"
    monkeypatch.setattr("sys.argv", ["diagram", "--profile", dev.profile, "--output", str(target)])
    assert diagram.main() == 0
    assert diagram.drawn_from(target.read_text(encoding="utf-8")) == diagram.digest(dot(dev))
    assert str(target) in capsys.readouterr().out
    assert dev.profile in PROFILES


def test_a_picture_without_a_mark_has_no_source() -> None:
    assert diagram.drawn_from("<svg></svg>") is None
