"""ECS services: the network path from the tasks to their database."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.ecs import NETWORK, services_of
from breakwater_guards.aws.security_groups import security_groups_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.ecs.database_paths import databases_of


@rule(
    "DR-ECS-17",
    title="Security groups let tasks reach the databases that they are given",
    outcome=Outcome.SILENT,
    prevents="connection to server at … failed: Connection timed out (the deployment succeeds, every request fails)",
    fix="Allow the port from the tasks' security group in the database's group, and out of the tasks' group.",
    sources=("https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.RDSSecurityGroups.html",),
)
def tasks_reach_their_database(app: Assembly) -> Iterator[Breach]:
    """Find containers with the endpoint or the secret of a database whose port is closed to them."""
    groups = security_groups_of(app)
    for service in services_of(app):
        if service.resource.options(NETWORK) == [ABSENT]:
            continue  # not awsvpc: the tasks have the security groups of instances
        for database in databases_of(app, service):
            port, name = database.port, database.resource.logical_id
            if port is None:
                continue
            if groups.lets_out(service.peer, port, database.peer) is Answer.NO:
                side = f"the tasks' security groups let nothing out to port {port} of {name}"
            elif groups.lets_in(database.peer, port, service.peer) is Answer.NO:
                side = f"the security groups of {name} do not admit the tasks on port {port}"
            else:
                continue
            yield breach(service.resource, f"{NETWORK}.SecurityGroups", f"The containers are given {name}, but {side}.")
