"""Amazon RDS: what it does not make, and what it does not delete."""

from collections.abc import Iterator
from typing import Any, Final

from embedded_aws.server import refusals, upstream
from embedded_aws.server.refusals import RefusedError, Request, members, parameter
from embedded_aws.server.registry import Properties

_SERVICE: Final = "Rds"
_FEWEST_ZONES: Final = 2


def install() -> None:
    """Refuse by the API, through which CloudFormation makes and deletes clusters and instances, what RDS refuses."""
    for action, check in (
        ("CreateDBInstance", _valid_instance),
        ("CreateDBCluster", _valid_cluster),
        ("DeleteDBInstance", _deletable_instance),
        ("DeleteDBCluster", _deletable_cluster),
        ("CreateDBSubnetGroup", lambda request: _cover_zones(members(request, "SubnetIds.SubnetIdentifier"))),
        ("ModifyDBSubnetGroup", lambda request: _cover_zones(members(request, "SubnetIds.SubnetIdentifier"))),
        ("DeleteDBSubnetGroup", lambda request: _subnet_group_in_use(parameter(request, "DBSubnetGroupName"))),
        (
            "DeleteDBClusterParameterGroup",
            lambda request: _parameters_in_use(parameter(request, "DBClusterParameterGroupName")),
        ),
    ):
        refusals.by_api(upstream.rds_actions, action, check, upstream.rds_error)
    refusals.by_template(
        "AWS::RDS::DBSubnetGroup",
        _SERVICE,
        create=_declared_subnets,
        change=_declared_subnets,
        delete=_subnet_group_in_use,
    )
    refusals.by_template("AWS::RDS::DBClusterParameterGroup", _SERVICE, delete=_parameters_in_use)


def _valid_instance(request: Request) -> None:
    if not parameter(request, "DBClusterIdentifier") and parameter(request, "Engine").startswith("aurora"):
        message = "The parameter AllocatedStorage must be provided and must not be null."
        raise RefusedError("MissingParameter", message)


def _valid_cluster(request: Request) -> None:
    group = parameter(request, "DBSubnetGroupName")
    if group not in ("", "default") and group not in upstream.db_subnet_groups:
        raise RefusedError("DBSubnetGroupNotFoundFault", f"DB subnet group '{group}' does not exist.", 404)


def _deletable_instance(request: Request) -> None:
    if upstream.db_instances.get(parameter(request, "DBInstanceIdentifier"), {}).get("DeletionProtection"):
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise RefusedError("InvalidParameterCombination", message)


def _deletable_cluster(request: Request) -> None:
    if upstream.db_clusters.get(parameter(request, "DBClusterIdentifier"), {}).get("DeletionProtection"):
        message = "Cannot delete protected Cluster, please disable deletion protection and try again."
        raise RefusedError("InvalidParameterCombination", message)


def _declared_subnets(properties: Properties) -> None:
    _cover_zones(properties["SubnetIds"])


def _cover_zones(subnets: list[str]) -> None:
    zones = sorted({upstream.subnets[each]["AvailabilityZone"] for each in subnets if each in upstream.subnets})
    if len(zones) < _FEWEST_ZONES and all(each in upstream.subnets for each in subnets):
        message = (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(zones)}. Add subnets to cover at least 2 AZs."
        )
        raise RefusedError("DBSubnetGroupDoesNotCoverEnoughAZs", message)


def _subnet_group_in_use(name: str) -> None:
    for kind, user in _users(name):
        message = (
            f"Cannot delete the subnet group '{name}' because at least one database {kind}: {user} is still using it."
        )
        raise RefusedError("InvalidDBSubnetGroupStateFault", message)


def _users(group: str) -> Iterator[tuple[str, Any]]:
    """Return what uses a subnet group; an instance of a cluster uses that of its cluster."""
    for cluster in upstream.db_clusters.values():
        if cluster.get("DBSubnetGroup") == group:
            yield "cluster", cluster["DBClusterIdentifier"]
    for instance in upstream.db_instances.values():
        if not instance.get("DBClusterIdentifier") and instance["DBSubnetGroup"]["DBSubnetGroupName"] == group:
            yield "instance", instance["DBInstanceIdentifier"]


def _parameters_in_use(name: str) -> None:
    if any(cluster.get("DBClusterParameterGroup") == name for cluster in upstream.db_clusters.values()):
        message = (
            f"One or more database instances are still members of this parameter group {name}, so the group cannot be "
            "deleted"
        )
        raise RefusedError("InvalidDBParameterGroupState", message)
