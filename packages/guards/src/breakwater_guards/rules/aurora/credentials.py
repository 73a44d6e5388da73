"""Aurora: the master user and its password."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.aurora import CLUSTER, INSTANCE, clusters, engine_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import Breach, Outcome, breach, rule, show
from breakwater_guards.rules.aurora.passwords import exposures


@rule(
    "DR-AURORA-08",
    title="The master password is not readable in plain text",
    outcome=Outcome.POLICY,
    prevents="Whoever can read the template, the stack's parameters or a plain SSM parameter has the master password",
    fix="Set ManageMasterUserPassword, or refer to a generated secret: "
    "{{resolve:secretsmanager:ARN:SecretString:password}}.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html",
    ),
)
def password_is_secret(app: Assembly) -> Iterator[Breach]:
    """Find a literal, a parameter with a default or without NoEcho, a plain SSM parameter, a secret with a literal."""
    for resource in app.of_type(CLUSTER, INSTANCE):
        properties = resource.body.get("Properties")
        written = properties.get("MasterUserPassword") if isinstance(properties, dict) else None
        reasons = exposures(app, resource.template, written) if written is not None else ()
        for reason in dict.fromkeys(reasons):  # two arms of an If may say the same
            yield breach(resource, "MasterUserPassword", f"{reason}.")


@rule(
    "DR-AURORA-09",
    title="The master user name is not reserved by the engine",
    outcome=Outcome.REFUSED,
    prevents="MasterUsername admin cannot be used as it is a reserved word used by the engine (InvalidParameterValue)",
    fix="Use a name of your own that begins with a letter.",
    sources=(
        "https://github.com/aws-cloudformation/cfn-lint/pull/4425",
        "https://github.com/aws/aws-cdk/issues/10579",
        "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html",
    ),
    data="rds_users",
)
def user_name_is_free(app: Assembly) -> Iterator[Breach]:
    """Find `admin` on PostgreSQL, `rdsadmin` on both engines, names that begin with `pg_` or with no letter."""
    users = facts("rds_users")
    for cluster in clusters(app):
        engine = engine_of(cluster)
        reserved, prefixes = users["reserved"][engine], users["reserved_prefixes"][engine]
        for name in cluster.given("MasterUsername"):
            if not isinstance(name, str) or name.startswith("{{resolve:"):
                continue
            if name.lower() in reserved or name.lower().startswith(tuple(prefixes)):
                listed = ", ".join([*reserved, *(f"{prefix}*" for prefix in prefixes)])
                yield breach(cluster, "MasterUsername", f"{show(name)} is reserved by {engine}: {listed}.")
            elif name and not (name[0].isascii() and name[0].isalpha()):
                yield breach(cluster, "MasterUsername", f"{show(name)} does not begin with a letter.")


@rule(
    "DR-AURORA-25",
    title="A database that is made from a snapshot or another database keeps that one's user",
    outcome=Outcome.LATER,
    prevents="MasterUsername is not valid beside a snapshot: the user stays that of the snapshot, and an application "
    "that is told another one fails with password authentication failed",
    fix="Leave MasterUsername out where a snapshot is given, e.g. by Fn::If; set a password or "
    "ManageMasterUserPassword alone.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbcluster.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html",
    ),
    data="rds_users",
)
def user_is_that_of_the_snapshot(app: Assembly) -> Iterator[Breach]:
    """Find a MasterUsername that is always given, beside a snapshot or a source that may be."""
    for kind, paths in facts("rds_users")["made_from"].items():
        for database in app.of_type(kind):
            names = database.options("MasterUsername")
            if ABSENT in names or UNKNOWN in names:
                continue
            for path in paths:
                source = [value for value in database.options(path) if value is not ABSENT and value != ""]
                if source:
                    message = f"{show(names[0])}, and {path} is {show(source[0])}, whose user it keeps; allowed: none."
                    yield breach(database, "MasterUsername", message)
