"""Words that PostgreSQL and Aurora keep for themselves, as names of users and databases."""

from __future__ import annotations

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
