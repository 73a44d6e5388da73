"""The VPC endpoints of an assembly, and which subnets have a route to them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, NamedTuple

from breakwater_guards.aws.network import ROUTE_TABLE, network_of
from breakwater_guards.model.answer import Answer, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text
from breakwater_guards.model.views import view

_SERVICE_NAME = re.compile(r"^(?:cn\.)?com\.amazonaws\.[^.]+\.([a-z0-9.-]+)$")


class Endpoint(NamedTuple):
    """A VPC endpoint.

    Attributes:
        resource: its declaration.
        service: short name of the service, e.g. ``ecr.api``; ``None`` when the templates do not tell.
        interface: whether it has network interfaces; else it is a gateway in route tables.
    """

    resource: Resource
    service: str | None
    interface: bool


class Endpoints:
    """Endpoints by VPC; use :func:`endpoints_of`."""

    def __init__(self, app: Assembly) -> None:
        self._network = network_of(app)
        self._by_vpc: dict[Reference, list[Endpoint]] = defaultdict(list)
        self._stray = False
        for endpoint in app.of_type("AWS::EC2::VPCEndpoint"):
            self._add(endpoint)

    def find(self, vpc: Resource, service: str) -> tuple[Answer, list[Endpoint]]:
        """Return whether a VPC has an endpoint of a service, and which.

        Args:
            vpc: a VPC of the assembly.
            service: short name, e.g. ``logs``.
        """
        present = self._by_vpc.get(vpc.reference, [])
        found = [endpoint for endpoint in present if endpoint.service == service]
        if found:
            return Answer.YES, found
        undetermined = self._stray or any(endpoint.service is None for endpoint in present)
        return Answer.MAYBE if undetermined else Answer.NO, []

    def reached_from(self, subnet: Resource, service: str) -> Answer:
        """Tell whether a subnet has a route to an endpoint of a service: any interface, or a gateway in its table."""
        vpc = self._network.vpc_of(subnet)
        if vpc is None:
            return Answer.MAYBE
        present, found = self.find(vpc, service)
        if present is not Answer.YES:
            return present
        return any_of(Answer.YES if item.interface else self._in_table(item, subnet) for item in found)

    def _add(self, endpoint: Resource) -> None:
        kinds = endpoint.options("VpcEndpointType")
        for value in endpoint.options("VpcId"):
            vpc = self._network.vpc(value)
            if vpc is None:
                self._stray |= not isinstance(value, str)
                continue
            for name in endpoint.options("ServiceName"):
                interface = kinds == ["Interface"]
                service = _service(name) if interface or all(kind in ("Gateway", ABSENT) for kind in kinds) else None
                self._by_vpc[vpc.reference].append(Endpoint(endpoint, service, interface))

    def _in_table(self, endpoint: Endpoint, subnet: Resource) -> Answer:
        table = self._network.route_table(subnet)
        values = endpoint.resource.options("RouteTableIds[]")
        named = [self._network.resource(value, ROUTE_TABLE) for value in values]
        if table is None:
            return Answer.NO if self._network.on_main_table(subnet) else Answer.MAYBE
        if table in named:
            return Answer.YES
        undetermined = any(
            found is None and value is not ABSENT and not isinstance(value, str)
            for found, value in zip(named, values, strict=True)
        )
        return Answer.MAYBE if undetermined else Answer.NO


def endpoints_of(app: Assembly) -> Endpoints:
    """Return the endpoints of an assembly; they are read once."""
    return view(app, Endpoints)


def _service(name: Any) -> str | None:
    """Return the short name of an AWS service, the whole name of anybody else's, ``None`` for one not known."""
    text = name.known if isinstance(name, Text) else name
    match = _SERVICE_NAME.match(text) if isinstance(text, str) else None
    if match is not None:
        return match[1]
    return text if isinstance(name, str) else None
