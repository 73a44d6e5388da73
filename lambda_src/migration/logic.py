"""The SQL files: which there are, and which a database still needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

SQL = Path(__file__).with_name("sql")
RIGHTS = "rights.sql"
_NAME = re.compile(r"(?P<version>[0-9]{4})_[a-z0-9_]+\.sql")


class SqlFileError(Exception):
    """A file of SQL cannot be applied; only a new deployment can mend it."""


@dataclass(frozen=True)
class Migration:
    """One versioned file.

    Attributes:
        version: Number of the file, from 1.
        name: Name of the file.
        statements: Its statements: the Data API takes one at a time.
    """

    version: int
    name: str
    statements: tuple[str, ...]


def read_migrations(folder: Path = SQL) -> tuple[Migration, ...]:
    """Read the versioned files.

    Args:
        folder: Folder that holds them, and the rights.

    Returns:
        The migrations in the order of their versions, which are 1, 2, 3 …

    Raises:
        SqlFileError: A name is not allowed, a version is missing or there twice, or a file cannot be split.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        if path.name == RIGHTS:
            continue
        named = _NAME.fullmatch(path.name)
        if named is None:
            raise SqlFileError(f"{path.name}: allowed is a name like 0002_add_currency.sql, or {RIGHTS}")
        found.append(Migration(int(named["version"]), path.name, _statements(path)))
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise SqlFileError(f"{migration.name}: expected version {expected:04}: each one once, without a gap")
    return tuple(found)


def read_rights(user: str, folder: Path = SQL) -> tuple[str, ...]:
    """Return the statements that give a database user its rights to the tables.

    Args:
        user: Name of the user.
        folder: Folder that holds the file.

    Raises:
        SqlFileError: The file cannot be split.
    """
    return tuple(Template(each).substitute(user=quoted(user)) for each in _statements(folder / RIGHTS))


def pending(migrations: Sequence[Migration], version: int) -> tuple[Migration, ...]:
    """Return the migrations that a database of this version still needs; none if it is newer than all of them."""
    return tuple(each for each in migrations if each.version > version)


def quoted(identifier: str) -> str:
    """Return an identifier as SQL takes it."""
    return '"' + identifier.replace('"', '""') + '"'


def _statements(path: Path) -> tuple[str, ...]:
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("--"))
    if "$$" in text:
        raise SqlFileError(f"{path.name}: a body in $$ holds semicolons of its own; write it without a function")
    *statements, rest = (part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", text))
    if rest or not statements or not all(statements):
        raise SqlFileError(f"{path.name}: each statement ends with a semicolon at the end of its line")
    return tuple(statements)
