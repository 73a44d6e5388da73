"""Aurora: logs, port, TLS and public access."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from breakwater_guards.aws.aurora import (
    CLUSTER,
    INSTANCE,
    MYSQL,
    POSTGRESQL,
    clusters,
    engine_of,
    version_key,
    version_spellings,
)
from breakwater_guards.aws.policies import all_statements
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.lookup import Lookup
from breakwater_guards.model.scalars import as_bool, as_number
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide"
DEFAULT_PORT = {POSTGRESQL: 5432, MYSQL: 3306}
TLS_PARAMETER = {POSTGRESQL: "rds.force_ssl", MYSQL: "require_secure_transport"}
TLS_BY_DEFAULT_FROM = 17
_FAMILY_MAJOR = re.compile(r"aurora-postgresql(\d+)$")


@rule(
    "DR-AURORA-06",
    title="Exported log types exist for the engine",
    outcome=Outcome.REFUSED,
    prevents="You cannot use the log types 'error', 'slowquery' with engine version aurora-postgresql 17.7. For "
    "supported log types, see the documentation. (InvalidParameterCombination)",
    fix="Export log types of the engine; for Aurora PostgreSQL: postgresql.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
        "https://github.com/hashicorp/terraform/issues/22538",
    ),
    data="rds_log_types",
)
def log_types_exist(app: Assembly) -> Iterator[Breach]:
    """Find a log type of another engine, or of no engine."""
    for cluster in clusters(app):
        allowed = facts("rds_log_types")["log_types"][engine_of(cluster)]
        for value in cluster.given("EnableCloudwatchLogsExports[]"):
            if isinstance(value, str) and value not in allowed:
                yield breach(
                    cluster,
                    "EnableCloudwatchLogsExports",
                    f"{show(value)} is no log type of {engine_of(cluster)}; allowed: {', '.join(allowed)}.",
                )


@rule(
    "DR-AURORA-15",
    title="A cluster states its port, and not the engine's default",
    outcome=Outcome.LATER,
    prevents="For provisioned Aurora PostgreSQL CloudFormation documents 3306 as the default and the RDS API 5432: "
    "security groups and clients that expect the other disagree in silence; the default port is also what scanners try "
    "first",
    fix="Set Port to a number of your own and use the cluster's Endpoint.Port everywhere else.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-rds-dbcluster.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/281",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-23",
    ),
)
def port_is_stated(app: Assembly) -> Iterator[Breach]:
    """Find a port left out, or the default one."""
    for cluster in clusters(app):
        default = DEFAULT_PORT[engine_of(cluster) or POSTGRESQL]
        for value in cluster.options("Port"):
            if value is ABSENT:
                yield breach(cluster, "Port", f"not set; state one other than {default}.")
            elif as_number(value) == default:
                yield breach(cluster, "Port", f"{show(value)} is the engine's default; use another one.")


@rule(
    "DR-AURORA-16",
    title="Aurora accepts TLS connections only",
    outcome=Outcome.POLICY,
    prevents="Clients may connect in clear text, unnoticed: rds.force_ssl is off by default up to Aurora "
    "PostgreSQL 16, require_secure_transport up to Aurora MySQL 8.0",
    fix="Set rds.force_ssl to 1 (MySQL: require_secure_transport to ON) in the cluster's parameter group.",
    sources=(
        f"{GUIDE}/AuroraPostgreSQL.Security.html",
        f"{GUIDE}/AuroraMySQL.Security.html",
    ),
)
def tls_is_required(app: Assembly) -> Iterator[Breach]:
    """Find a parameter group that switches TLS off, or a default of the engine that leaves it off."""
    groups = Lookup(app, "AWS::RDS::DBClusterParameterGroup", name="DBClusterParameterGroupName")
    for cluster in clusters(app):
        engine = engine_of(cluster) or POSTGRESQL
        parameter = TLS_PARAMETER[engine]
        for value in cluster.options("DBClusterParameterGroupName"):
            group = groups.find(value, cluster.template) if value is not ABSENT else None
            if group is not None:
                for given in _parameter(group, parameter):
                    if given == "off" or (given is ABSENT and _off_by_default(engine, group.options("Family"))):
                        state = "off" if given == "off" else "not set"
                        yield breach(
                            group, "Parameters", f"{parameter} is {state}, cluster {cluster.logical_id} uses it."
                        )
            elif _is_default_group(value) and _off_by_default(engine, cluster.options("EngineVersion")):
                yield breach(
                    cluster,
                    "DBClusterParameterGroupName",
                    f"{show(value)}; the engine's default leaves {parameter} off.",
                )


@rule(
    "DR-AURORA-17",
    title="No Aurora instance is publicly accessible",
    outcome=Outcome.POLICY,
    prevents="The database gets a public address: any mistake in a security group exposes it to the internet",
    fix="Set PubliclyAccessible to false, and reach the database through the VPC, Session Manager or the Data API.",
    sources=(
        f"{GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-2",
    ),
)
def nothing_is_public(app: Assembly) -> Iterator[Breach]:
    """Find an instance or a cluster that is publicly accessible."""
    for resource in app.of_type(CLUSTER, INSTANCE):
        if True in map(as_bool, resource.options("PubliclyAccessible")):
            yield breach(resource, "PubliclyAccessible", "true; allowed: false.")


@rule(
    "DR-AURORA-23",
    title="What a role may use of a database is switched on",
    outcome=Outcome.SILENT,
    prevents="HttpEndpoint is not enabled for cluster … (BadRequestException); PAM authentication failed for user …: "
    "the role has the permission, the database does not have the feature",
    fix="Set EnableHttpEndpoint (Data API) or EnableIAMDatabaseAuthentication (rds-db:connect) to true.",
    sources=(f"{GUIDE}/data-api.troubleshooting.html", f"{GUIDE}/UsingWithRDS.IAMDBAuth.Enabling.html"),
)
def features_in_use_are_on(app: Assembly) -> Iterator[Breach]:
    """Find a permission that names a database whose feature is off or left out."""
    told = set()
    for statement in all_statements(app):
        if statement.effect != "Allow":
            continue
        named = (value.references if isinstance(value, Text) else (value,) for value in statement.resources)
        targets = [app.target(reference) for references in named for reference in references]
        databases = [each for each in targets if each is not None and each.type in (CLUSTER, INSTANCE)]
        for database, (action, switch) in product(databases, FEATURES.items()):
            options = database.options(switch)
            off = [item for item in options if item is ABSENT or as_bool(item) is False]
            if len(off) < len(options) or (database, switch) in told or statement.acts_on(action) is not Answer.YES:
                continue
            told.add((database, switch))
            yield breach(database, switch, f"{show(off[0])}, but {statement.resource.logical_id} lets {action} use it.")


FEATURES = {"rds-data:ExecuteStatement": "EnableHttpEndpoint", "rds-db:connect": "EnableIAMDatabaseAuthentication"}


def _parameter(group: Resource, name: str) -> Iterator[Any]:
    """Yield "on", "off" or ABSENT for each possible content of a group; names hold dots, so paths cannot be used."""
    for parameters in group.options("Parameters"):
        if parameters is ABSENT:
            yield ABSENT
        elif isinstance(parameters, dict):
            value = parameters.get(name, ABSENT)
            if value is ABSENT:
                yield ABSENT
            elif isinstance(value, str | int | bool):
                yield "off" if str(value).strip().lower() in ("0", "off", "false") else "on"


def _is_default_group(value: Any) -> bool:
    return value is ABSENT or (isinstance(value, str) and value.startswith("default."))


def _off_by_default(engine: str, texts: list[Any]) -> bool:
    """Tell whether every possible version or family certainly leaves TLS optional."""
    return bool(texts) and all(_leaves_tls_off(engine, text) for text in texts)


def _leaves_tls_off(engine: str, text: Any) -> bool:
    if engine == MYSQL:
        return isinstance(text, str) and text.removeprefix(MYSQL).startswith(("5.7", "8.0"))
    family = _FAMILY_MAJOR.match(text) if isinstance(text, str) else None
    spellings = (family[1],) if family else version_spellings(text)
    keys = [version_key(spelling) for spelling in spellings]
    return bool(keys) and all(key and key[0] < TLS_BY_DEFAULT_FROM for key in keys)
