"""The load balancers, listeners and target groups of ministack's tables, and who runs behind them."""

import asyncio
import logging
import os
import queue
import ssl
import threading
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import h11

from embedded_aws.address import HOST
from embedded_aws.server import upstream
from embedded_aws.server.addresses import on_paper, reachable
from embedded_aws.server.answers.balancing import BALANCER_ATTRIBUTES, TARGET_GROUP_ATTRIBUTES
from embedded_aws.server.balancer.certificates import Authority
from embedded_aws.server.balancer.exchange import Outcome
from embedded_aws.server.balancer.groups import Group
from embedded_aws.server.balancer.listening import Balancer, Rule
from embedded_aws.server.balancer.metrics import Metrics
from embedded_aws.server.balancer.target import Address, Target

Watcher: TypeAlias = Callable[[str, str, int, str, str], None]
"""Called with the ARN of the group, the target's address and port, its state, and the reason for that."""

_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class Service:
    """All load balancers of the emulator.

    Args:
        first_port: the lowest port that a load balancer may take.
        authority: file for the certificate that signs those of HTTPS listeners.

    Attributes:
        shifted_zones: tells which zones, by their ids, a load balancer has left.
        metrics: what it counts for CloudWatch.
    """

    def __init__(self, first_port: int, authority: Path) -> None:
        self._first_port = first_port
        self._authority = Authority(authority)
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._balancers: dict[str, Balancer] = {}
        self._groups: dict[str, Group] = {}
        self._watchers: list[Watcher] = []
        self._told: queue.SimpleQueue[tuple[str, str, int, str, str]] = queue.SimpleQueue()
        self.shifted_zones: Callable[[str], set[str]] = lambda _balancer: set()
        self.metrics = Metrics(self._groups)
        self._loop = asyncio.new_event_loop()
        for name, run in (("load balancers", self._run), ("target states", self._tell)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self.metrics.publish_for_ever())
        self._loop.run_forever()

    def _tell(self) -> None:
        while True:
            event = self._told.get()
            for watcher in self._watchers:
                try:
                    watcher(*event)
                except Exception:  # noqa: BLE001  whatever one of them does, the others are told
                    _log.exception("a watcher of targets failed")

    def watch(self, watcher: Watcher) -> None:
        """Tell of every change of a target's state, and of every failed check of an unhealthy target."""
        self._watchers.append(watcher)

    def refresh(self) -> None:
        """Take over what the tables declare; returns when listeners listen and targets are known.

        Raises:
            OSError: no port is free for a load balancer.
        """
        asyncio.run_coroutine_threadsafe(self._refresh(), self._loop).result(_SECONDS)

    async def _refresh(self) -> None:
        declared = {arn: each for arn, each in upstream.load_balancers.items() if each["Type"] == "application"}
        for arn in [each for each in self._balancers if each not in declared]:
            self._balancers.pop(arn).close()
        for arn, record in declared.items():
            if arn not in self._balancers:
                self._balancers[arn] = Balancer(_Config(arn, self), self._first_port)
                record["DNSName"] = f"{HOST}:{self._balancers[arn].port}"
        used = _used_groups()
        for arn in [each for each in self._groups if each not in upstream.target_groups]:
            self._groups.pop(arn).close()
        for arn in upstream.target_groups:
            self._group(arn).sync(registered(arn), used=arn in used)

    def _group(self, arn: str) -> Group:
        if arn not in self._groups:
            self._groups[arn] = Group(
                arn,
                settings=lambda: upstream.target_groups[arn],
                attributes=lambda: _attributes(upstream.target_group_attributes, arn, TARGET_GROUP_ATTRIBUTES),
                reach=reachable,
                on_paper=on_paper,
                told=lambda group, target: self._told.put((group, *target.address, target.state, target.reason)),
            )
        return self._groups[arn]

    def choose(self, balancer: str, arn: str) -> Target | None:
        """Return the target of a group that is to get the next request of a load balancer."""
        away = self.shifted_zones(balancer)
        group = self._groups.get(arn)
        return group.choose(lambda target: bool(away) and zone_of(arn, target.address[0]) in away) if group else None

    def targets(self, arn: str) -> list[Target]:
        """Return the members of a group, then those that are leaving it."""
        group = self._groups.get(arn)
        return [*group.members.values(), *group.leaving] if group else []

    def health_of(self, group: str, address: str, port: int) -> str:
        """Return the state of a target, as Elastic Load Balancing names it."""
        states = (target.state for target in self.targets(group) if target.address == (address, port))
        return next(states, "unused")

    def lose(self, address: str | None) -> None:
        """Send no more requests to an address: what listened there has ended."""

        def mark() -> None:
            for group in self._groups.values():
                for target in group.members.values():
                    target.lost = target.lost or target.address[0] == address

        self._loop.call_soon_threadsafe(mark)

    def in_use(self, address: str) -> bool:
        """Return whether a request may still reach an address: it is registered, or a request to it is in flight."""
        taken = {each for arn in upstream.target_groups for each, _ in registered(arn)}
        known = (target for arn in list(self._groups) for target in self.targets(arn))
        return address in taken | {target.address[0] for target in known if not target.done}

    def context(self, names: tuple[str, ...]) -> ssl.SSLContext:
        """Return the server's side of TLS for some domain names."""
        if names not in self._contexts:
            self._contexts[names] = self._authority.context(names)
        return self._contexts[names]


class _Config:
    """What a load balancer looks up: see `listening.Config`."""

    def __init__(self, arn: str, service: Service) -> None:
        self._arn, self._service = arn, service

    def attributes(self) -> Mapping[str, str]:
        return balancer_attributes(self._arn)

    def listeners(self) -> list[Mapping[str, Any]]:
        own = [each for each in upstream.listeners.values() if each["LoadBalancerArn"] == self._arn]
        return sorted(own, key=lambda each: int(each["Port"]))

    def rules(self, listener: Mapping[str, Any]) -> list[Rule]:
        own = [each for each in upstream.listener_rules.values() if each["ListenerArn"] == listener["ListenerArn"]]
        return [_rule(each) for each in sorted(own, key=upstream.listener_rule_order)]

    def context(self, listener: Mapping[str, Any]) -> ssl.SSLContext:
        certificates = (upstream.certificates.get(each, {}) for each in listener.get("Certificates", []))
        names = (name for each in certificates for name in each.get("SubjectAlternativeNames", []))
        return self._service.context(tuple(dict.fromkeys(names)))

    def choose(self, group: str) -> Target | None:
        return self._service.choose(self._arn, group)

    def record(self, group: str, outcome: Outcome) -> None:
        self._service.metrics.count(self._arn, group, outcome)


def _rule(record: Mapping[str, Any]) -> Rule:
    def applies(request: h11.Request) -> bool:
        if not record["Conditions"]:  # most listeners have the default rule alone
            return True
        path, _, query = request.target.decode("latin-1").partition("?")
        headers = {name.decode("latin-1"): each.decode("latin-1") for name, each in request.headers}
        parameters, method = parse_qs(query, keep_blank_values=True), request.method.decode("latin-1")
        return all(
            upstream.listener_rule_applies(each, method, path, headers, parameters) for each in record["Conditions"]
        )

    return Rule(applies, max(record["Actions"], key=lambda action: int(action.get("Order", 1))))


def balancer_attributes(arn: str) -> Mapping[str, str]:
    """Return the attributes of a load balancer, as they are now."""
    return _attributes(upstream.load_balancer_attributes, arn, BALANCER_ATTRIBUTES)


def _attributes(table: Mapping[str, Any], arn: str, defaults: Mapping[str, str]) -> Mapping[str, str]:
    return {**defaults, **{each["Key"]: each["Value"] for each in table.get(arn, [])}}


def _used_groups() -> set[str]:
    """Return the groups to which a listener of a load balancer forwards."""
    return {
        action["TargetGroupArn"]
        for rule in upstream.listener_rules.values()
        for action in rule["Actions"]
        if "TargetGroupArn" in action
    }


def registered(arn: str) -> set[Address]:
    """Return the addresses that are registered in a target group."""
    port = upstream.target_groups[arn]["Port"]
    return {(each["Id"], int(each.get("Port", port))) for each in list(upstream.targets.get(arn, []))}


def zone_of(group: str, address: str, name: str = "AvailabilityZoneId") -> str | None:
    """Return the zone of an address in the network of a target group; None for one that is not in it.

    Args:
        group: the ARN of the target group.
        address: of a target.
        name: what is wanted of the zone: its id, or its name (`AvailabilityZone`).
    """
    network = upstream.target_groups[group]["VpcId"]
    subnets = (each for each in upstream.subnets.values() if each["VpcId"] == network)
    return next((each[name] for each in subnets if ip_address(address) in ip_network(each["CidrBlock"])), None)


@cache
def running() -> Service:
    """Return the load balancers of this process: their ports follow the one of the emulator's API."""
    return Service(int(os.environ["GATEWAY_PORT"]) + 1, Path(os.environ["EMBEDDED_AWS_AUTHORITY"]))
