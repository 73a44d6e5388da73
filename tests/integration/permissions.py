"""Calls of the platform against the policies that are deployed: which are denied, and which statements nobody needs.

The calls are those that functions made in the embedded AWS, and those of `calls.toml`, which no local run makes. An
independent simulator of AWS IAM judges them: the policies of the role, of the resource, and of the VPC endpoint that a
task's call goes through. Then each statement is left out in turn, and some call must be denied.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SIMULATOR = Path(__file__).with_name("simulate.mjs")
Document = Mapping[str, Any]
# Principals with every right of their own, so that only the endpoint decides, and the account that each is of.
OWNER, OUTSIDER, OUTSIDE = "this account", "another account", "999999999999"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# Endpoints that the calls of a service go through, where they are not named as the service.
ENDPOINTS = {"ecr": ("ecr.api", "ecr.dkr")}
MANAGED = "arn:aws:iam::aws:policy/"
# Stands for all that a call does not name: only a policy that allows all allows it.
ANY = "any-other"
ALLOWED, ERROR = "Allowed", "error:"
# The simulator knows no key with a colon behind this prefix; the other one has the same value:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html#awssecretsmanager-policy-keys
SAME_KEY = ("secretsmanager:ResourceTag/", "aws:ResourceTag/")


@dataclass(frozen=True)
class Call:
    """A permission that a principal needs.

    Attributes:
        principal: the ARN of a session, a service, `OWNER` or `OUTSIDER`.
        action: e.g. `rds:CreateDBInstance`.
        resource: its ARN, or `*`.
        context: condition keys that this call carries.
        operation: what needs it, for messages.
        in_vpc: whether a task makes it, through the endpoints of its VPC.
        refused: whether it must be denied.
        endpoint: name of the policy of the endpoint that it goes through; empty for none.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)
    operation: str = ""
    in_vpc: bool = False
    refused: bool = False
    endpoint: str = ""

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.principal.partition('/')[2] or self.principal}: {self.action} on {self.resource}"


@dataclass(frozen=True)
class Policies:
    """What is deployed.

    Attributes:
        documents: every policy by name, e.g. `Role/Policy` or the ARN of the key that it is of.
        attached: names of the policies of each role.
        endpoints: names of the policies of the VPC's endpoints, by the end of the service's name, e.g. `ecr.api`.
    """

    documents: Mapping[str, Document]
    attached: Mapping[str, tuple[str, ...]]
    endpoints: Mapping[str, str]

    def of(self, call: Call) -> tuple[list[str], str | None, list[str]]:
        """Return the names of the policies that decide about a call: of the role, resource and endpoints."""
        role = _role(call.principal)
        identity = [OWNER] if call.principal in (OWNER, OUTSIDER) else list(self.attached[role]) if role else []
        bucket = ":".join([*call.resource.split(":")[:5], call.resource.split(":")[-1].partition("/")[0]])
        owner = next((each for each in (call.resource, bucket) if each in self.documents), None)
        return identity, owner, [call.endpoint] if call.endpoint else []

    def through_endpoints(self, call: Call) -> list[Call]:
        """Return a call once for each endpoint that it may go through; as it is if it goes through none."""
        service = call.action.partition(":")[0]
        names = [self.endpoints[name] for name in ENDPOINTS.get(service, (service,)) if name in self.endpoints]
        return [replace(call, endpoint=name) for name in names] if names and call.in_vpc else [call]

    @property
    def own(self) -> list[str]:
        """Names of the policies of which every statement must be needed: of roles, without AWS's own, and endpoints."""
        inline = [name for names in self.attached.values() for name in names if not name.startswith(MANAGED)]
        return [*inline, *self.endpoints.values()]

    def without(self, name: str) -> Iterator[tuple[str, Policies]]:
        """Yield these policies without each of the statements of one, and how to call that statement."""
        statements = self.documents[name]["Statement"]
        for number, statement in enumerate(statements):
            rest = [each for each in statements if each is not statement]
            label = statement.get("Sid") or ", ".join(_listed(statement.get("Action") or statement["NotAction"]))
            yield (
                f"{name} {number}: {label}",
                replace(self, documents={**self.documents, name: {**self.documents[name], "Statement": rest}}),
            )


def _role(principal: str) -> str | None:
    found = re.fullmatch(r"arn:aws:sts::\d{12}:assumed-role/([^/]+)/.+", principal)
    return found[1] if found else None


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def simulate(cases: Iterable[tuple[Call, Policies]], account: str) -> list[str]:
    """Return what the simulator says of each call under the policies beside it: `Allowed`, or why not."""
    documents: dict[str, Document] = {}
    names: dict[int, str] = {}

    def named(policies: Policies, name: str) -> str:
        document = EVERYTHING if name == OWNER else policies.documents[name]
        key = names.setdefault(id(document), f"{name} {len(names)}")
        documents[key] = document
        return key

    requests = []
    kept = list(cases)  # the documents must stay where they are
    for call, policies in kept:
        identity, owner, endpoint = policies.of(call)
        requests.append(
            {
                "principal": re.sub(
                    f"{OWNER}|{OUTSIDER}", f"arn:aws:sts::{account}:assumed-role/any/any", call.principal
                ),
                "action": call.action,
                "resource": call.resource if call.resource == "*" else call.resource.replace("*", ANY),
                "account": account,
                "context": {**_always(call.principal, account), **call.context},
                "identity": [named(policies, each) for each in identity],
                "resource_policy": None if owner is None else named(policies, owner),
                "endpoint": [named(policies, each) for each in endpoint],
            }
        )
    asked = json.dumps({"documents": documents, "requests": requests}).replace(*SAME_KEY)
    answer = subprocess.run(["node", str(SIMULATOR)], input=asked, capture_output=True, text=True, check=True)
    verdicts: list[str] = json.loads(answer.stdout)
    return verdicts


def _always(principal: str, account: str) -> dict[str, str]:
    """Return the condition keys of every request: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html."""
    where = OUTSIDE if principal == OUTSIDER else account
    keys = {"aws:ResourceAccount": where, "aws:SecureTransport": "true"}
    return keys if principal.endswith(".amazonaws.com") else {**keys, "aws:PrincipalAccount": where}


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        calls: every distinct one.
        denied: those that are not allowed, or are and must not be, and the simulator's words.
        statements: each statement, and whether a call is denied without it.
        unknown: operations of which nobody knows what permissions they need.
    """

    calls: list[Call]
    denied: list[str]
    statements: Mapping[str, bool]
    unknown: list[str]

    def lines(self) -> Iterator[str]:
        """Yield what to print."""
        principals = {_role(call.principal) or call.principal for call in self.calls}
        yield f"{len(self.calls)} distinct calls of {len(principals)} principals judged, {len(self.denied)} denied"
        noticed = sum(self.statements.values())
        yield f"{noticed} of {len(self.statements)} statements are noticed when they are left out"
        for policy, number in sorted(_by_policy(self.statements).items()):
            yield f"{number:>8}  {policy.rpartition('/')[2]}"


def _by_policy(statements: Mapping[str, bool]) -> dict[str, str]:
    counted: dict[str, list[bool]] = defaultdict(list)
    for label, noticed in statements.items():
        counted[re.split(r" \d+: ", label)[0]].append(noticed)
    return {policy: f"{sum(each)} / {len(each)}" for policy, each in counted.items()}


def judge(calls: Iterable[Call], policies: Policies, account: str, unknown: Iterable[str] = ()) -> Report:
    """Judge calls, and leave out each statement of the policies that decide about them.

    Args:
        calls: what principals do.
        policies: what is deployed.
        account: that the policies are of.
        unknown: operations without permissions.
    """
    made = (each for call in calls for each in policies.through_endpoints(call))
    distinct = list({repr(replace(call, operation="")): call for call in made}.values())
    users: dict[str, list[Call]] = defaultdict(list)
    for call in distinct:
        identity, _, through = policies.of(call)
        for name in (*identity, *through):
            users[name].append(call)
    cases = [("", call, policies) for call in distinct]
    statements: dict[str, bool] = {}
    for name in policies.own:
        for label, less in policies.without(name):
            statements[label] = False
            cases += [(label, call, less) for call in users[name]]
    denied = []
    verdicts = simulate(((call, given) for _, call, given in cases), account)
    for (label, call, _), verdict in zip(cases, verdicts, strict=True):
        wrong = (verdict == ALLOWED) is call.refused
        if label:
            statements[label] |= wrong and not verdict.startswith(ERROR)
        elif wrong:
            denied.append(f"{call} [{call.operation}]: {verdict}")
    return Report(distinct, denied, statements, sorted(set(unknown)))
