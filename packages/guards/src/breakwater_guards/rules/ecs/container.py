"""ECS containers: what a container is told agrees with what the platform expects of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.ecs import DEFINITION
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.ecs.task import containers_of, ports_of

GROUP = "AWS::Logs::LogGroup"
_FLAG = re.compile(r"^(?:--?(?:port|p|http-port|server\.port)|-Dserver\.port)(?:=|$)")
# An address to listen on, alone or behind one of the flags that web servers have for it: nobody calls 0.0.0.0.
_LISTEN = r"(?:addr|address|b|bind|host|http|http-address|l|listen|listen-address|S|web\.listen-address)"
_ADDRESS = re.compile(rf"(?:--?{_LISTEN}=)?(?:http://)?(?:0\.0\.0\.0|\[::\]):([0-9]+)")
_OTHER_FLAG = re.compile(rf"-{{1,2}}(?!-|{_LISTEN}$)")


@rule(
    "DR-ECS-20",
    title="A container listens on the port that is mapped, and logs in the Region of its group",
    outcome=Outcome.SILENT,
    prevents="service … (port …) is unhealthy in target-group … due to (reason Health checks failed), and the "
    "deployment never ends; ResourceNotFoundException: The specified log group does not exist",
    fix="Give the port that the container is told (PORT, --port) in PortMappings; leave "
    "awslogs-region at ${AWS::Region}.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html",
    ),
    data="fargate",
)
def containers_are_told_the_truth(app: Assembly) -> Iterator[Breach]:
    """Find a container whose only mapped port is another one than it is told, or whose log group is elsewhere."""
    for definition in app.of_type(DEFINITION):
        region = definition.template.region
        for name, container in containers_of(definition).items():
            ports = ports_of(container)
            listening = list(_told(container))
            for place, told in listening:
                if ports and len(ports) == 1 and all(port not in ports for where, port in listening if where == place):
                    message = f"container {name!r} is told port {told}; mapped is {ports[0]}."
                    yield breach(definition, f"ContainerDefinitions.{place}", message)
            options = container.get("LogConfiguration", {})
            options = options.get("Options", {}) if isinstance(options, dict) else {}
            given = options.get("awslogs-region") if isinstance(options, dict) else None
            group = resource_named(app, options.get("awslogs-group"), definition.template, GROUP) if given else None
            if group is not None and region and isinstance(given, str) and given != group.template.region:
                message = f"{given!r}; {group.logical_id} is in {group.template.region}."
                yield breach(definition, "ContainerDefinitions.LogConfiguration.Options.awslogs-region", message)


def _told(container: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the ports that a container is told, with the place: by environment and command."""
    for entry in _list(container.get("Environment")):
        if isinstance(entry, dict) and entry.get("Name") in facts("fargate")["port_variables"]:
            yield from (("Environment", port) for port in [as_int(entry.get("Value"))] if port)
    words = [part for name in ("EntryPoint", "Command") for word in _list(container.get(name)) for part in _words(word)]
    for before, word, following in zip(["", *words], words, [*words[1:], ""], strict=False):
        flag, address = _FLAG.match(word), _ADDRESS.fullmatch(word)
        port = as_int(word[flag.end() :] or following) if flag is not None else None
        if address is not None and not _OTHER_FLAG.match(before):
            port = as_int(address[1])
        if port:
            yield "Command", port


def _words(text: Any) -> list[str]:
    """Split what is written for a shell: one word of a list may hold a whole command."""
    return text.split() if isinstance(text, str) else [""]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
