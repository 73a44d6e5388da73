"""Parameter groups of RDS and Aurora: their family, and the libraries that their parameters belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.aurora import CLUSTER, INSTANCE, cluster_lookup, version_spellings
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.model.views import view
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

GROUPS = {
    CLUSTER: ("DBClusterParameterGroupName", "AWS::RDS::DBClusterParameterGroup"),
    INSTANCE: ("DBParameterGroupName", "AWS::RDS::DBParameterGroup"),
}


@rule(
    "DR-AURORA-21",
    title="A parameter group is of the family of the engine version, and has parameters of that family",
    outcome=Outcome.REFUSED,
    prevents="The parameter group … with DBParameterGroupFamily aurora-postgresql16 can't be used for this instance. "
    "Use a parameter group with DBParameterGroupFamily aurora-postgresql17 (InvalidParameterCombination)",
    fix="Raise Family together with EngineVersion; a new version needs a new parameter group.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_WorkingWithParamGroups.html",
        "https://github.com/aws/aws-cdk/issues/21100",
    ),
    data="rds_parameters",
)
def families_fit_the_version(app: Assembly) -> Iterator[Breach]:
    """Find a cluster or instance whose parameter group, own or default, has another family than its version."""
    yield from _of_another_engine(app)
    yield from _of_other_stores(app)
    for kind, (path, group_type) in GROUPS.items():
        for database in app.of_type(kind):
            expected = {family for source in _versioned(app, database) for family in _families(source)}
            for value in database.given(path) if expected else ():
                target = app.target(value)
                if target is not None:
                    found = target.given("Family") if target.type == group_type else []
                else:
                    found = (
                        [value.removeprefix("default.")]
                        if isinstance(value, str) and value.startswith("default.")
                        else []
                    )
                if found and not expected & set(map(str, found)):
                    yield breach(
                        database, path, f"{show(found[0])} is the family; allowed: {', '.join(sorted(expected))}."
                    )


@rule(
    "DR-AURORA-22",
    title="Parameters of an extension go with its library, and exported logs with theirs",
    outcome=Outcome.SILENT,
    prevents="No error is reported: pgaudit.log is stored, and nothing is ever audited, because the library is not "
    "loaded; the slow query log is exported, and nothing is ever written to it",
    fix="Add the library to shared_preload_libraries of the same parameter group (the instances need a restart), and "
    "turn on the log that is exported.",
    sources=(
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.pgaudit.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL_pg_cron.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Integrating.CloudWatch.html",
    ),
    data="rds_parameters",
)
def extensions_are_loaded(app: Assembly) -> Iterator[Breach]:
    """Find `pgaudit.*` and the like where no parameter group of the assembly loads the library."""
    groups = list(app.of_type(*(kind for _, kind in GROUPS.values())))
    loaded = [
        value.get("shared_preload_libraries", "")
        for group in groups
        for value in group.given("Parameters")
        if isinstance(value, dict)
    ]
    for group in groups:
        for parameters in group.given("Parameters"):
            for name in parameters if isinstance(parameters, dict) else ():
                library = facts("rds_parameters")["libraries"].get(name.partition(".")[0])
                if library and all(isinstance(text, str) and library not in text for text in loaded):
                    yield breach(group, "Parameters", f"{name} needs {library} in shared_preload_libraries.")
    yield from _unwritten(app, groups)


def _of_another_engine(app: Assembly) -> Iterator[Breach]:
    """Find a parameter that only another engine has than the one whose family the group is of, or another value."""
    for group in app.of_type(*(kind for _, kind in GROUPS.values())):
        family = group.get("Family")
        for parameters in group.given("Parameters") if isinstance(family, str) else ():
            for name in parameters if isinstance(parameters, dict) else ():
                for beginning, engines in facts("rds_parameters")["of_engines"].items():
                    if name.startswith(beginning) and not family.startswith(tuple(engines)):
                        yield breach(group, "Parameters", f"{name} is no parameter of {family}, but of {engines[0]}.")
                allowed = facts("rds_parameters")["values"].get(name)
                value = parameters[name]
                if allowed and isinstance(value, str) and value not in allowed:
                    yield breach(group, "Parameters", f"{name} is {show(value)}; allowed: {', '.join(allowed)}.")


def _of_other_stores(app: Assembly) -> Iterator[Breach]:
    """Find the same of a cache or a document database, whose families are called otherwise."""
    for kind, row in facts("rds_parameters")["groups"].items():
        for store in app.of_type(kind):
            group = app.target(store.get(row["group"]))
            family = group.get(row["family"]) if group is not None and group.type == row["type"] else None
            engine, version = row.get("engine") or store.get("Engine"), store.get("EngineVersion")
            engine = row.get("default") if engine is ABSENT else engine
            if not isinstance(family, str) or not isinstance(engine, str) or not isinstance(version, str | float):
                continue
            known = facts("rds_parameters")["families"].get(row.get("prefix", "") + engine, {})
            allowed = known.get(".".join(str(version).split(".")[:2]))
            if allowed and family != allowed:
                yield breach(store, row["group"], f"{show(family)} is the family; allowed: {allowed}.")


def _unwritten(app: Assembly, groups: list[Resource]) -> Iterator[Breach]:
    """Find an exported log that no parameter group of the assembly turns on, although the database has one of them."""
    stated = [value for group in groups for value in group.options("Parameters")]
    for kind, (path, _) in GROUPS.items():
        for database in app.of_type(kind):
            known = facts("rds_parameters")["exports"].get(str(database.get("Engine")), {})
            if app.target(database.get(path)) not in groups:
                continue
            for log in database.given("EnableCloudwatchLogsExports[]"):
                name = known.get(log) if isinstance(log, str) else None
                if name in TABLES and any(isinstance(one, dict) and one.get("log_output") == "TABLE" for one in stated):
                    message = f"{log!r} is exported, and log_output is TABLE; allowed: FILE."
                    yield breach(database, "EnableCloudwatchLogsExports", message)
                if name and all(value is ABSENT or _is_off(value, name) for value in stated):
                    message = f"{log!r} is exported, and no parameter group sets {name} to 1."
                    yield breach(database, "EnableCloudwatchLogsExports", message)


# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQL.LogFileSize.html: only files are exported
TABLES = ("general_log", "slow_query_log")


def _is_off(parameters: Any, name: str) -> bool:
    return isinstance(parameters, dict) and str(parameters.get(name, "0")).lower() in ("0", "off", "none")


def _versioned(app: Assembly, database: Resource) -> Iterator[Resource]:
    """Yield what states the version: the database, else the cluster that an instance belongs to."""
    if database.options("EngineVersion") != [ABSENT]:
        yield database
        return
    cluster = view(app, cluster_lookup).find(database.get("DBClusterIdentifier"), database.template)
    if cluster is not None:
        yield cluster


def _families(database: Resource) -> Iterator[str]:
    for engine in database.given("Engine"):
        parts = facts("rds_parameters")["family_parts"].get(str(engine))
        for value in database.given("EngineVersion"):
            for version in version_spellings(value):
                numbers = re.match(r"\d+(\.\d+)?", version)
                if parts and numbers:
                    yield str(engine) + ".".join(numbers[0].split(".")[:parts])
