"""Load balancers of an assembly: which listeners send requests to which target group, and when they exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from breakwater_guards.aws.order import comes_before
from breakwater_guards.model.answer import Answer, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER, LISTENER_RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_FORWARDS = ("TargetGroupArn", "ForwardConfig.TargetGroups[].TargetGroupArn")


class Balancers:
    """Listeners by target group; use :func:`balancers_of`."""

    def __init__(self, app: Assembly) -> None:
        self._app = app
        self._listeners: dict[Reference, list[Resource]] = defaultdict(list)
        self.complete = True
        for kind, actions in ((LISTENER, "DefaultActions[]"), (LISTENER_RULE, "Actions[]")):
            for listener in app.of_type(kind):
                for path in _FORWARDS:
                    self._add(listener, f"{actions}.{path}")

    def application(self) -> Iterator[Resource]:
        """Yield every Application Load Balancer."""
        for balancer in self._app.of_type(BALANCER):
            if set(map(str, balancer.options("Type"))) <= {"application", str(ABSENT)}:
                yield balancer

    def network(self) -> Iterator[Resource]:
        """Yield every Network Load Balancer."""
        yield from (balancer for balancer in self._app.of_type(BALANCER) if balancer.get("Type") == "network")

    def listeners_of(self, group: Resource) -> list[Resource]:
        """Return the listeners and listener rules that forward to a target group."""
        return self._listeners.get(group.reference, [])

    def in_front_of(self, group: Resource, *, network: bool = False) -> list[Resource]:
        """Return the Application (or Network) Load Balancers that forward to a target group."""
        found = [self._balancer(listener) for listener in self.listeners_of(group)]
        wanted = {balancer.reference for balancer in (self.network() if network else self.application())}
        unique = {item.reference: item for item in found if item is not None}
        return [balancer for reference, balancer in unique.items() if reference in wanted]

    def may_be_behind(self, group: Resource, balancer: Resource) -> bool:
        """Tell whether a load balancer may forward to a target group: not if each of its listeners is of another."""
        found = [self._balancer(listener) for listener in self.listeners_of(group)]
        return not found or None in found or balancer in found

    def exist_before(self, service: Resource, listeners: list[Resource]) -> Answer:
        """Tell whether one of some listeners exists when CloudFormation creates a service.

        Returns:
            ``MAYBE`` for one beside a service that waits for the load balancer or does not need to: it takes seconds,
            and may come in time. A load balancer that is created beside the service takes minutes.
        """
        return any_of(self._exists_before(service, listener) for listener in listeners)

    def _exists_before(self, service: Resource, listener: Resource) -> Answer:
        if comes_before(listener, service):
            return Answer.YES
        balancer = self._balancer(listener)
        in_time = balancer is None or comes_before(balancer, service)
        return Answer.MAYBE if in_time and not comes_before(service, listener) else Answer.NO

    def _balancer(self, listener: Resource) -> Resource | None:
        owner: Resource | None = listener
        if listener.type == LISTENER_RULE:
            owner = self._app.target(listener.get("ListenerArn"))
        found = self._app.target(owner.get("LoadBalancerArn")) if owner is not None else None
        return found if found is not None and found.type == BALANCER else None

    def _add(self, listener: Resource, path: str) -> None:
        for value in listener.options(path):
            if value is ABSENT:
                continue
            group = self._app.target(value)
            if group is not None:
                self._listeners[group.reference].append(listener)
            elif not isinstance(value, str):
                self.complete = False


def balancers_of(app: Assembly) -> Balancers:
    """Return the load balancers of an assembly; they are read once."""
    return view(app, Balancers)


def target_groups(app: Assembly, service: Resource) -> list[Resource]:
    """Return the target groups of an ECS service that are part of the assembly."""
    found = [app.target(value) for value in service.given("LoadBalancers[].TargetGroupArn")]
    return [group for group in found if group is not None and group.type == TARGET_GROUP]
