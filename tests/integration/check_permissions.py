"""What functions called here, and what AWS will call, is allowed by what is deployed; and nobody has more than that.

The embedded AWS alone keeps a record of the calls.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ops.local.workspace import Workspace
from stacks.names import OutputKey
from stacks.settings import EgressMode, Settings
from tests.integration.conftest import SUMMARY, Client
from tests.integration.permissions import OUTSIDER, OWNER, Call, Policies, Report, judge

DECLARED = Path(__file__).with_name("calls.toml")
ROLE = re.compile(r"\w+\.\w*Role[0-9A-F]{8}")
IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([^.]+)\.[^/]+/([^:@]+)")
QUEUE = re.compile(r"https?://.+/(\d{12})/([^/]+)")
TASK_SUBNETS = {EgressMode.PUBLIC_IP: "Public", EgressMode.NAT: "Private", EgressMode.ENDPOINTS: "Isolated"}
Outputs = Mapping[str, str]


class Deployed:
    """Reads policies.

    Args:
        client: clients of the embedded AWS.
        outputs: of the stack.
    """

    def __init__(self, client: Client, outputs: Outputs) -> None:
        self._client, self._outputs = client, dict(outputs)

    def policies(self) -> Policies:
        """Return the policies of roles, keys, topic, queues, buckets, vault and endpoints."""
        documents: dict[str, Any] = {}
        attached = {}
        for role in roles(self._outputs).values():
            found = dict(self._of_role(role))
            documents |= found
            attached[role] = tuple(found)
        endpoints = dict(self._of_endpoints())
        documents |= dict(self._of_resources()) | {f"endpoint {name}": each for name, each in endpoints.items()}
        return Policies(documents, attached, {name: f"endpoint {name}" for name in endpoints})

    def _of_role(self, role: str) -> Iterator[tuple[str, Any]]:
        iam = self._client("iam")
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            yield f"{role}/{name}", _parsed(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        managed = json.loads(aws_managed_policies_data)
        for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            yield policy["PolicyArn"], managed[policy["PolicyArn"].rpartition("/")[2]]["Document"]

    def _of_resources(self) -> Iterator[tuple[str, Any]]:
        outputs, client = self._outputs, self._client
        for key in (OutputKey.DATA_KEY_ARN, OutputKey.MESSAGING_KEY_ARN, OutputKey.BACKUP_KEY_ARN):
            yield outputs[key], _parsed(client("kms").get_key_policy(KeyId=outputs[key])["Policy"])
        topic = outputs[OutputKey.ALERT_TOPIC_ARN]
        yield topic, _parsed(client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        for url in (value for value in outputs.values() if QUEUE.fullmatch(value)):
            attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            yield attributes["QueueArn"], _parsed(attributes["Policy"])
        for bucket in (outputs[OutputKey.DATA_BUCKET_NAME], outputs[OutputKey.LOG_BUCKET_NAME]):
            yield f"arn:aws:s3:::{bucket}", _parsed(client("s3").get_bucket_policy(Bucket=bucket)["Policy"])

    def _of_endpoints(self) -> Iterator[tuple[str, Any]]:
        here = [{"Name": "vpc-id", "Values": [self._outputs[OutputKey.VPC_ID]]}]
        for endpoint in self._client("ec2").describe_vpc_endpoints(Filters=here)["VpcEndpoints"]:
            name = endpoint["ServiceName"].split(".", 3)[3]
            yield name, _parsed(endpoint["PolicyDocument"])

    def _service(self) -> dict[str, Any]:
        cluster, name = self._outputs[OutputKey.ECS_CLUSTER_NAME], self._outputs[OutputKey.ECS_SERVICE_NAME]
        return dict(self._client("ecs").describe_services(cluster=cluster, services=[name])["services"][0])

    def names(self, settings: Settings) -> dict[str, str]:
        """Return what a placeholder of the table stands for, physical ids without the hash of their logical id."""
        groups = self._client("ec2").describe_security_groups(
            Filters=[
                {"Name": "vpc-id", "Values": [self._outputs[OutputKey.VPC_ID]]},
                {"Name": "group-name", "Values": ["default"]},
            ]
        )["SecurityGroups"]
        cluster = self._client("rds").describe_db_clusters(
            DBClusterIdentifier=self._outputs[OutputKey.CLUSTER_IDENTIFIER]
        )["DBClusters"][0]
        task = self._client("ecs").describe_task_definition(taskDefinition=self._service()["taskDefinition"])
        image = IMAGE.match(task["taskDefinition"]["containerDefinitions"][0]["image"]) or [""] * 4
        queues = {
            key: f"arn:aws:sqs:{self._outputs[OutputKey.REGION]}:{found[1]}:{found[2]}"
            for key, value in self._outputs.items()
            if (found := QUEUE.fullmatch(value))
        }
        physical = {re.sub(r"(?<=\w)[0-9A-F]{8}$", "", key): value for key, value in (self._outputs | queues).items()}
        return {
            **physical,
            "account": cluster["DBClusterArn"].split(":")[4],
            "region": self._outputs[OutputKey.REGION],
            "ClusterResourceId": cluster["DbClusterResourceId"],
            "default security group": groups[0]["GroupId"],
            "first task subnet": physical[f"Network.Vpc{TASK_SUBNETS[settings.network.egress]}Subnet1Subnet"],
            "repository": f"arn:aws:ecr:{image[2]}:{image[1]}:repository/{image[3]}",
        }


def _parsed(document: str | Mapping[str, Any]) -> Any:
    return json.loads(unquote(document)) if isinstance(document, str) else document


def roles(outputs: Outputs) -> dict[str, str]:
    """Return the names of the stack's roles by `Stack.LogicalId`, without its hash."""
    return {key[:-8]: value for key, value in outputs.items() if ROLE.fullmatch(key)}


def recorded(outputs: Outputs) -> Iterator[tuple[str, list[Call]]]:
    """Yield each operation that a function of the stack called, with the permissions that it needs."""
    known = set(roles(outputs).values())
    for line in Workspace().emulator.calls.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        if found["principal"].split("/")[1] in known:
            needs = found["needs"]
            yield (
                found["operation"],
                [
                    Call(found["principal"], each["action"], each["resource"], each["context"], found["operation"])
                    for each in needs
                ],
            )


def declared(names: Mapping[str, str], known: Mapping[str, str], settings: Settings) -> Iterator[Call]:
    """Yield the calls of the table that are made in this deployment.

    Args:
        names: what placeholders stand for.
        known: names of the stack's roles, by `Stack.LogicalId`.
        settings: of the deployment.
    """

    def filled(text: str) -> str:
        return re.sub(r"\{([^}]+)\}", lambda found: names[found[1]], text)

    for entry in tomllib.loads(DECLARED.read_text(encoding="utf-8"))["calls"]:
        if not all(_matches(settings, path, value) for path, value in entry.get("when", {}).items()):
            continue
        session = f"arn:aws:sts::{names['account']}:assumed-role/{{}}/declared"
        makers = [session.format(value) for key, value in known.items() if re.fullmatch(entry["by"], key)]
        if entry["by"] in (OWNER, OUTSIDER) or entry["by"].endswith(".amazonaws.com"):
            makers = [entry["by"]]
        for principal in makers:
            for action in entry["actions"]:
                for resource in map(filled, entry["resources"]):
                    context = {key: filled(value) for key, value in entry.get("context", {}).items()}
                    flags = {name: entry.get(name, False) for name in ("in_vpc", "refused")}
                    yield Call(principal, action, resource, context, entry["source"], **flags)


def _matches(settings: Settings, path: str, expression: str) -> bool:
    value: Any = settings
    for part in path.split("."):
        value = getattr(value, part)
    return re.search(expression, str(value)) is not None


@pytest.fixture(scope="module")
def report(emulator: Client, outputs: Outputs, settings: Settings) -> Report:
    """Judge all calls at once, and keep what is to be printed."""
    deployed = Deployed(emulator, outputs)
    names, made = deployed.names(settings), list(recorded(outputs))
    calls = [call for _, needs in made for call in needs]
    calls += declared(names, roles(outputs), settings)
    found = judge(calls, deployed.policies(), names["account"], [name for name, needs in made if not needs])
    SUMMARY.extend(found.lines())
    return found


def test_every_call_is_allowed(report: Report) -> None:
    assert report.denied == []


def test_of_every_operation_it_is_known_what_it_needs(report: Report) -> None:
    assert report.unknown == [], "embedded_aws/server/access_table.py does not know what these need"


def test_every_role_of_the_stack_is_judged(report: Report, outputs: Outputs) -> None:
    judged = {call.principal.split("/")[1] for call in report.calls if ":assumed-role/" in call.principal}
    assert set(roles(outputs).values()) == judged


def test_every_statement_is_needed_by_a_call(report: Report) -> None:
    assert [label for label, noticed in report.statements.items() if not noticed] == []
