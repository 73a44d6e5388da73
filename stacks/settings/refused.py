"""Values that AWS refuses, or that cannot work, and that no pattern of one setting shows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stacks.names import Names, PhysicalName
from stacks.settings.regions import region_problem
from stacks.settings.times import cron_problem

if TYPE_CHECKING:
    from stacks.settings.model import Settings

# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html: AWS recommends these ranges, and routes of a
# public one would hide its owner from the tasks.
PRIVATE_NETWORKS = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
# https://github.com/distribution/reference/blob/v0.6.0/reference.go
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:[0-9]))(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
LONGEST_IMAGE = 255
# A tmpfs hides what the image has there, and what the container needs to start.
SYSTEM_PATHS = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/sbin", "/sys", "/usr")


def refused_values(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the key and the allowed values of every setting that cannot be used whatever the others are."""
    problem = region_problem(settings.region)
    if problem:
        yield "region", problem
    for key, values in (
        ("monitoring.emails", settings.monitoring.emails),
        ("database.log_exports", settings.database.log_exports),
    ):
        if len(set(values)) < len(values):
            yield key, "each value once"
    yield from _cidr(settings.network.cidr)
    image = settings.compute.image
    if image is not None and not (IMAGE.fullmatch(image) and len(image) <= LONGEST_IMAGE):
        yield "compute.image", "a reference such as 111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1"
    yield from _writable_paths(settings.compute.writable_paths)
    schedule = cron_problem(settings.backup.restore_test_schedule)
    if schedule:
        yield "backup.restore_test_schedule", schedule
    yield from _copy_vault(settings)


def _cidr(text: str) -> Iterator[tuple[str, str]]:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        return  # said by another rule
    if not any(network.subnet_of(private) for private in PRIVATE_NETWORKS):
        yield "network.cidr", f"a range within {', '.join(map(str, PRIVATE_NETWORKS))}"


def _writable_paths(paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    key = "compute.writable_paths"
    names = [path.split("/")[1:] for path in paths]
    if any(name in ("", ".", "..") for parts in names for name in parts):
        yield key, "absolute paths without empty parts, '.' and '..', none ending in /"
        return
    for path, parts in zip(paths, names, strict=True):
        if f"/{parts[0]}" in SYSTEM_PATHS:
            yield key, f"paths outside of {', '.join(SYSTEM_PATHS)}"
            return
        if any(parts[: len(other)] == other for other in names if other is not parts):
            yield key, f"paths of which none is the same as another one or lies in it, as {path} does"
            return


def _copy_vault(settings: Settings) -> Iterator[tuple[str, str]]:
    arn = settings.backup.copy_vault_arn
    if arn is None:
        return
    _, _, _, region, account, _, name = arn.split(":")
    own = Names(settings.suffix, settings.region).physical_name(PhysicalName.BACKUP_VAULT)
    # Without an account in the settings the vault of that name is another one only in another account.
    if (region, name) == (settings.region, own) and settings.account in (None, account):
        yield "backup.copy_vault_arn", f"another vault than {own}, which the copies are made of"


# Reserved, and reserved except as function or type:
# https://www.postgresql.org/docs/17/sql-keywords-appendix.html
KEYWORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 (a hundred pairs of quotes would hide the words)
)
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html and
# https://github.com/aws/aws-cdk/issues/10579 for admin.
ROLES = frozenset({"admin", "postgres", "public", "root"})
# https://www.postgresql.org/docs/17/manage-ag-templatedbs.html; rdsadmin is Aurora's own.
DATABASES = frozenset({"postgres", "rdsadmin", "template0", "template1"})


def is_reserved_user(name: str) -> bool:
    """Tell whether no user may have this lower-case name; roles that begin with ``pg_`` or ``rds`` are the server's."""
    return name in KEYWORDS | ROLES or name.startswith(("pg_", "rds"))


def is_reserved_database(name: str) -> bool:
    """Tell whether no database may have this lower-case name."""
    return name in KEYWORDS | DATABASES
