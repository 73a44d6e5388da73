"""Where derived facts come from: the data files inside the installed packages of cfn-lint and botocore."""

from __future__ import annotations

import gzip
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from breakwater_guards.aws.aurora import MYSQL, POSTGRESQL

# Documented by AWS since cfn-lint's list was made:
# Set by Lambda, and not reserved: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RUNTIME_VARIABLES = [
    *("AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "GEM_PATH", "HOME", "LANG", "LD_LIBRARY_PATH"),
    *("NODE_PATH", "PATH", "PWD", "PYTHONPATH", "TZ"),
]
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
NEWER_LAMBDA_VARIABLES = ("AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN")


class SourceError(Exception):
    """A package's data are not where or what they were: the derivation has to be looked at."""


def aurora_versions() -> dict[str, Any]:
    """Return the versions of each Aurora engine that can be created: those of E3690 without those of W3690."""
    known = _version_lists("engine_version.json", "then")
    retired = _version_lists("engine_version_deprecated.json", "if")
    return {
        "versions": {
            engine: sorted(
                (item for item in known[engine] if "." in item and item not in retired[engine] and not _bare(item)),
                key=_natural,
            )
            for engine in (MYSQL, POSTGRESQL)
        }
    }


def log_types() -> dict[str, Any]:
    """Return the log types that each Aurora engine can export, from the documentation of CreateDBCluster."""
    shapes = _botocore_shapes("rds")
    text = re.sub(
        r"<[^>]+>", " ", shapes["CreateDBClusterMessage"]["members"]["EnableCloudwatchLogsExports"]["documentation"]
    )
    found = {}
    for engine, title in ((MYSQL, "Aurora MySQL"), (POSTGRESQL, "Aurora PostgreSQL")):
        match = re.search(rf"{title}\s+-\s+([a-z-]+(?:\s*\|\s*[a-z-]+)*)", text)
        if match is None:
            raise SourceError(f"botocore no longer documents the log types of {title}")
        found[engine] = sorted(re.split(r"\s*\|\s*", match[1]))
    return {"log_types": found}


def fargate_sizes() -> dict[str, Any]:
    """Return the memory sizes (MiB) that each CPU size (units) of a Fargate task can have."""
    document = _cfn_lint("data/schemas/extensions/aws_ecs_taskdefinition/fargate_cpu_memory.json")
    sizes: dict[str, list[int]] = {}
    for pair in _at(document, "then", "anyOf"):
        cpu, memory = (_at(pair, "properties", name, "then") for name in ("Cpu", "Memory"))
        steps = memory.get("enum") or range(memory["minimum"], memory["maximum"] + 1, memory["multipleOf"])
        sizes[str(_at(cpu, "enum")[0])] = list(map(int, steps))
    return {"memory_by_cpu": sizes}


def lambda_facts() -> dict[str, Any]:
    """Return the reserved environment variables and the runtimes with the dates of their end."""
    names = _cfn_lint("data/schemas/extensions/aws_lambda_function/environment_variable_keys.json")
    reserved = {*_at(names, "propertyNames", "not", "enum"), *NEWER_LAMBDA_VARIABLES}
    runtimes = _cfn_lint("data/AdditionalSpecs/LmbdRuntimeLifecycle.json")
    return {
        "reserved_variables": sorted(reserved),
        "runtime_variables": RUNTIME_VARIABLES,
        "runtimes": dict(sorted(runtimes.items())),
    }


def _version_lists(name: str, side: str) -> dict[str, list[str]]:
    """Read the versions per engine; cfn-lint states them in the `then` of one schema and in the `if` of the other."""
    document = _cfn_lint(f"data/schemas/extensions/aws_rds_dbcluster/{name}")
    found = {}
    for branch in _at(document, "allOf"):
        engine = branch.get("if", {}).get("properties", {}).get("Engine", {}).get("const")
        if engine in (MYSQL, POSTGRESQL):
            found[engine] = list(_at(branch, side, "properties", "EngineVersion", "enum"))
    if set(found) != {MYSQL, POSTGRESQL}:
        raise SourceError(f"cfn-lint's {name} no longer lists both Aurora engines")
    return found


def _bare(version: str) -> bool:
    """Tell whether a MySQL version is a major alone, e.g. 8.0."""
    return re.fullmatch(r"[58]\.\d", version) is not None


def _natural(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)] + [len(version)]


def _at(document: Any, *path: str) -> Any:
    for step in path:
        if not isinstance(document, dict) or step not in document:
            raise SourceError(f"cfn-lint's data have no {'.'.join(path)} any more")
        document = document[step]
    return document


def _cfn_lint(name: str) -> Any:
    path = _package("cfnlint") / name
    if not path.is_file():
        raise SourceError(f"cfn-lint no longer has {name}")
    return json.loads(path.read_text(encoding="utf-8"))


def _botocore_shapes(service: str) -> Any:
    """Read the newest API version of a service model, which botocore ships compressed."""
    models = sorted((_package("botocore") / "data" / service).glob("*/service-2.json*"))
    if not models:
        raise SourceError(f"botocore has no model of {service}")
    raw = models[-1].read_bytes()
    return json.loads(gzip.decompress(raw) if models[-1].suffix == ".gz" else raw)["shapes"]


def _package(name: str) -> Path:
    """Return the folder of an installed package; imported late, because the rules work without it."""
    return Path(str(import_module(name).__file__)).parent
