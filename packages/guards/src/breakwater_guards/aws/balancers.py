"""Load balancers of an assembly: which listeners send requests to which target group, and when they exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER, LISTENER_RULE = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"
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

    def listeners_of(self, group: Resource) -> list[Resource]:
        """Return the listeners and listener rules that forward to a target group."""
        return self._listeners.get(group.reference, [])

    def in_front_of(self, group: Resource) -> list[Resource]:
        """Return the Application Load Balancers that forward to a target group."""
        found = [self._balancer(listener) for listener in self.listeners_of(group)]
        application = {balancer.reference for balancer in self.application()}
        unique = {item.reference: item for item in found if item is not None}
        return [balancer for reference, balancer in unique.items() if reference in application]

    def may_exist_before(self, service: Resource, listeners: list[Resource]) -> bool:
        """Tell whether one of some listeners can exist when CloudFormation creates a service.

        Not so when the service waits for nothing of the listener, and the load balancer, which takes minutes, is
        created beside it. On a load balancer that exists already a listener takes seconds and may come in time.
        """
        before = _predecessors(service.template, service.logical_id)
        for listener in listeners:
            balancer = self._balancer(listener)
            if balancer is None or any(item.template is not service.template for item in (listener, balancer)):
                return True
            if {listener.logical_id, balancer.logical_id} & before:
                return True
        return False

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


def _predecessors(template: Template, logical_id: str) -> set[str]:
    """Return what CloudFormation creates before a resource: what it depends on or refers to, and so on."""
    found: set[str] = set()
    waiting = [logical_id]
    while waiting:
        resource = template.resources.get(waiting.pop())
        for name in _named(resource.body) if resource else ():
            if name in template.resources and name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _named(node: Any) -> Iterator[str]:
    """Yield every logical id that `DependsOn`, `Ref`, `Fn::GetAtt` or `Fn::Sub` names, roughly: any text in them."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("DependsOn", "Ref", "Fn::GetAtt"):
                yield from (str(item).split(".")[0] for item in (value if isinstance(value, list) else [value]))
            elif key == "Fn::Sub":
                text = value[0] if isinstance(value, list) and value else value
                yield from (part.split("}")[0].split(".")[0] for part in str(text).split("${")[1:])
            yield from _named(value)
    elif isinstance(node, list):
        for item in node:
            yield from _named(item)
