"""The picture in Graphviz's language: one card for the VPC, one for each stack around it, arrows for what flows."""

from __future__ import annotations

from scripts import diagram_cards as cards
from scripts.diagram_graph import Graph, Resource
from scripts.diagram_html import COLOURS, GREY, Box, arrow, box, card, cell, header, row, table, text
from scripts.diagram_network import Tier, ingress, purpose_of, tiers, zone
from tests.assembly import Assembly

WIDTH = 440
BACKGROUNDS = {"public": "#E9F4E4", "private": "#E6F1F8", "isolated": "#E6F1F8"}
NAMES = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "the load balancer",
    "AWS::ECS::Service": "tasks",
}


def dot(assembly: Assembly) -> str:
    """Describes the picture of a deployment.

    Args:
        assembly: A synthesized deployment.

    Returns:
        DOT text that changes only when something in the picture does.
    """
    graph, settings = Graph(assembly), assembly.settings
    counts = {name: len(template.resources) for name, template in assembly.nested.items()}
    total = sum(counts.values()) + len(assembly.root.resources)
    title = (
        f"{assembly.names.stack} · {settings.environment} · region {settings.region} · "
        f"{total} resources in a root and {len(counts)} nested stacks"
    )
    around = {
        "Storage": card("Storage", "Storage", _note(counts, "Storage"), cards.storage(graph)),
        "Backup": card("Backup", "Backup", _note(counts, "Backup"), cards.backup(graph)),
        "Kms": card("Kms", "Keys", _note(counts, "Kms"), cards.kms(graph), side_by_side=True),
        "Monitoring": card("Monitoring", "Monitoring", _note(counts, "Monitoring"), cards.monitoring(graph)),
        "Operations": card(
            "Operations", "Operations", _note(counts, "Operations"), cards.operations(graph), side_by_side=True
        ),
    }
    outside = table([row(cell(text("Internet", size=13, bold=True)))], border="1", style="rounded", cellpadding="8")
    nodes = [f"{name} [label=<{label}>]" for name, label in around.items()]
    body = [
        "rankdir=LR bgcolor=white pad=0.2 nodesep=0.25 ranksep=0.9 fontname=Helvetica",
        "node [shape=plain fontname=Helvetica]",
        f'edge [fontname=Helvetica fontsize=10 color="{GREY}" fontcolor="{GREY}"]',
        f"internet [label=<{outside}>]",
        "subgraph cluster_region {",
        f'label=<{text(title, size=13, bold=True)}> labeljust=l style="rounded,dashed" color="{GREY}" margin=24',
        f"vpc [label=<{_vpc(graph, counts)}>]",
        *nodes,
        "{rank=same vpc Kms Operations}",
        "{rank=same Storage Backup Monitoring}",
        "}",
        *_edges(graph),
        # The columns from bottom to top.
        "Operations -> Kms -> vpc [style=invis]",
        "Monitoring -> Backup -> Storage [style=invis]",
    ]
    return "digraph architecture {\n" + "\n".join(body) + "\n}\n"


def _note(counts: dict[str, int], stack: str) -> str:
    return f"{counts[stack]} resources"


def _vpc(graph: Graph, counts: dict[str, int]) -> str:
    vpc, layout = graph.one("AWS::EC2::VPC"), tiers(graph)
    zones = [zone(graph, subnet) for subnet in layout[0].subnets]
    gateways = [endpoint for endpoint in graph.of("AWS::EC2::VPCEndpoint") if _gateway(endpoint)]
    extras = [f"gateway endpoints: {', '.join(_service(graph, endpoint) for endpoint in gateways)}"]
    extras += ["flow logs"] * bool(graph.of("AWS::EC2::FlowLog"))
    rows = [
        header("Network", f"Network: VPC {vpc.properties['CidrBlock']}", _note(counts, "Network")),
        row(cell(text(" · ".join(extras)))),
        *(row(cell(_tier(graph, tier, layout, zones))) for tier in layout),
        row(cell(_legend(counts))),
    ]
    return table(rows, border="1", color=COLOURS["Network"][0], bgcolor="#FFFFFF", cellspacing="6")


def _tier(graph: Graph, tier: Tier, layout: list[Tier], zones: list[str]) -> str:
    """Draws the subnets of one purpose side by side, and below them what stands in them."""
    span = len(zones)
    rows = [
        row(
            *(
                cell(
                    text(f"{tier.purpose} subnet · {name}", bold=True) + "<BR/>" + text(subnet.properties["CidrBlock"])
                )
                for subnet, name in zip(tier.subnets, zones, strict=True)
            )
        )
    ]
    for resource, drawn in _placed(graph, zones):
        if purpose_of(graph, resource, layout) == tier.purpose:
            incoming = _incoming(graph, resource)
            rows += [row(cell(arrow(incoming), span=span))] if incoming else []
            rows.append(row(cell(box(drawn, width=WIDTH), span=span, port=drawn.port)))
    return table(rows, border="1", color=GREY, style="dashed", bgcolor=BACKGROUNDS[tier.purpose], cellspacing="4")


def _placed(graph: Graph, zones: list[str]) -> list[tuple[Resource, Box]]:
    """Lists what stands in subnets, in the order of a request."""
    members = {member: zone(graph, member) for member in graph.of("AWS::RDS::DBInstance")}
    placed = [
        (graph.one("AWS::ElasticLoadBalancingV2::LoadBalancer"), cards.load_balancer(graph)),
        (graph.one("AWS::ECS::Service"), cards.service(graph, zones)),
        (graph.one("AWS::RDS::DBSubnetGroup"), cards.database(graph, members)),
    ]
    endpoints = [endpoint for endpoint in graph.of("AWS::EC2::VPCEndpoint") if not _gateway(endpoint)]
    if endpoints:
        names = ", ".join(_service(graph, endpoint) for endpoint in endpoints)
        placed.append((endpoints[0], Box("Network", f"{len(endpoints)} interface endpoints", (names,))))
    gateways = graph.of("AWS::EC2::NatGateway")
    if gateways:
        placed.append((gateways[0], Box("Network", f"{len(gateways)} NAT gateway{'s' * (len(gateways) > 1)}")))
    return placed


def _incoming(graph: Graph, resource: Resource) -> str:
    """Says who may connect at which port, by the security-group rules."""
    target = graph.one("AWS::RDS::DBCluster") if resource.kind == "AWS::RDS::DBSubnetGroup" else resource
    return ", ".join(
        f"tcp {' and '.join(map(str, sorted(ports)))} from {NAMES[source.kind] if source else 'the internet'}"
        for source, ports in ingress(graph).get(target, {}).items()
    )


def _gateway(endpoint: Resource) -> bool:
    return bool(endpoint.properties["VpcEndpointType"] == "Gateway")


def _service(graph: Graph, endpoint: Resource) -> str:
    """Short name of an endpoint's service: `com.amazonaws.us-east-1.ecr.api` is `ecr.api`."""
    name = graph.text(endpoint, endpoint.properties["ServiceName"]).replace("${AWS::Region}", "region")
    return name.split(".", 3)[-1]


def _legend(counts: dict[str, int]) -> str:
    """Names the stacks that have boxes in the VPC but no card of their own."""
    chips = [
        text("■ ", size=12, colour=COLOURS[name][0]) + text(f"{name}: {_note(counts, name)}   ")
        for name in ("Compute", "Database")
    ]
    return "".join(chips)


def _edges(graph: Graph) -> list[str]:
    """Draws what crosses a card's border, each arrow for a reference or a rule that the templates hold."""
    balancer, cluster = graph.one("AWS::ElasticLoadBalancingV2::LoadBalancer"), graph.one("AWS::RDS::DBCluster")
    data_table, selection = graph.one("AWS::DynamoDB::GlobalTable"), graph.one("AWS::Backup::BackupSelection")
    edges = []
    if None in ingress(graph).get(balancer, {}):
        edges.append("internet -> vpc:alb:w [penwidth=2]")
    for bucket in graph.targets(balancer, balancer.properties["LoadBalancerAttributes"]):
        edges.append(f'vpc:alb:e -> Storage:{bucket.path.rsplit("/", 1)[-1]}:w [label="access logs"]')
    if data_table in _granted(graph):
        edges.append('vpc:service:e -> Storage:table:w [label="read, write" penwidth=2]')
    selected = graph.targets(selection, selection.properties["BackupSelection"]["Resources"])
    edges += ["vpc:database:e -> Backup:plan:w"] * (cluster in selected)
    # Written from below to above, as the columns are.
    edges += ["Backup:plan:e -> Storage:table:e [dir=back]"] * (data_table in selected)
    return edges


def _granted(graph: Graph) -> set[Resource]:
    """Finds what the policies of the task role name."""
    task = graph.one("AWS::ECS::TaskDefinition")
    (role,) = graph.targets(task, task.properties["TaskRoleArn"])
    return {
        target
        for policy in graph.of("AWS::IAM::Policy")
        if role in graph.targets(policy, policy.properties["Roles"])
        for target in graph.targets(policy, policy.properties["PolicyDocument"])
    }
